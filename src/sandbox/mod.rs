//! Simulated apps over HTTP; shares no code with the engine.
