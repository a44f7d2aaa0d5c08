-- Pauses, at most one of each app and one of all apps, whose name is empty. One that is over stays until the next is made, and
-- holds nothing.
CREATE TABLE pauses (
    app TEXT PRIMARY KEY,
    since BIGINT NOT NULL,
    until BIGINT NOT NULL,
    paused_by TEXT NOT NULL,
    reason TEXT NOT NULL,
    -- People who left keep what they have as well.
    holds_leavers BIGINT NOT NULL
);
