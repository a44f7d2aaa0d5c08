// Better Auth with its SCIM plugin, kept in memory: `node serve.mjs PORT TOKEN`.
import { createServer } from "node:http";
import { scim } from "@better-auth/scim";
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { getAuthTables } from "better-auth/db";
import { toNodeHandler } from "better-auth/node";

const [port, token] = process.argv.slice(2);

const options = {
  baseURL: `http://127.0.0.1:${port}`,
  secret: "a secret for tests, which signs nothing that matters",
  rateLimit: { enabled: false },
  plugins: [scim({ connections: [{ id: "directory", credentials: [{ type: "bearer", id: "tests", token }] }] })],
};
// Every table has to be there from the start: a transaction works on a copy of all of them.
const tables = Object.fromEntries(Object.values(getAuthTables(options)).map((table) => [table.modelName, []]));
const auth = betterAuth({ ...options, database: memoryAdapter(tables) });
createServer(toNodeHandler(auth)).listen(Number(port), "127.0.0.1");
