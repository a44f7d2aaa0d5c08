// A directory that is kept in memory, behind SCIMMY and its routers for Express: `node serve.mjs PORT TOKEN`.
import { randomUUID } from "node:crypto";
import express from "express";
import SCIMMY from "scimmy";
import Routers from "scimmy-routers";

const [port, token] = process.argv.slice(2);

// SCIMMY leaves keeping resources to its user, and asks to be handed what a filter matches.
function shelf() {
  const rows = new Map();
  const find = (id) => {
    if (!rows.has(id)) throw new SCIMMY.Types.Error(404, null, `nothing has the id ${id}`);
    return rows.get(id);
  };
  const isTaken = (id, userName) => {
    const named = ([other, row]) => other !== id && row.userName?.toLowerCase() === userName.toLowerCase();
    return userName !== undefined && [...rows].some(named);
  };
  return {
    ingress(resource, data) {
      const now = new Date().toISOString();
      const id = resource.id ?? randomUUID();
      const created = resource.id ? find(id).meta.created : now;
      const row = JSON.parse(JSON.stringify(data));
      if (isTaken(id, row.userName)) throw new SCIMMY.Types.Error(409, "uniqueness", `${row.userName} is taken`);
      rows.set(id, { ...row, id, meta: { created, lastModified: now } });
      return rows.get(id);
    },
    egress(resource) {
      if (resource.id) return find(resource.id);
      const all = [...rows.values()];
      return resource.filter ? resource.filter.match(all) : all;
    },
    degress(resource) {
      find(resource.id);
      rows.delete(resource.id);
    },
  };
}

SCIMMY.Resources.User.extend(SCIMMY.Schemas.EnterpriseUser);
SCIMMY.Resources.declare(SCIMMY.Resources.User, shelf());
SCIMMY.Resources.declare(SCIMMY.Resources.Group, shelf());

const app = express();
app.use("/scim", new Routers({
  type: "bearer",
  handler(request) {
    if (request.header("Authorization") !== `Bearer ${token}`) throw new Error("not signed in");
    return "tester";
  },
}));
app.listen(Number(port), "127.0.0.1");
