// SCIMMY as a small SCIM application, users and groups in memory. Usage: node scimmy.mjs PORT TOKEN, where its packages are installed.
import { createRequire } from "node:module";

const require = createRequire(`${process.cwd()}/`);
const load = (name) => {
  const loaded = require(name);
  return loaded.default ?? loaded;
};
const [express, SCIMMY, SCIMMYRouters] = ["express", "scimmy", "scimmy-routers"].map(load);
const [port, token] = process.argv.slice(2);

// A resource in memory, with an attribute that names it and is unique.
const declare = (type, name) => {
  const records = new Map();
  SCIMMY.Resources.declare(type, {
    egress: (resource) => {
      if (resource.id === undefined) {
        return [...records.values()];
      }
      const record = records.get(resource.id);
      if (record === undefined) {
        throw new SCIMMY.Types.Error(404, null, `${resource.id} not found`);
      }
      return record;
    },
    ingress: (resource, sent) => {
      const id = resource.id ?? crypto.randomUUID();
      const wanted = sent[name].toLowerCase();
      if ([...records.values()].some((record) => record.id !== id && record[name].toLowerCase() === wanted)) {
        throw new SCIMMY.Types.Error(409, "uniqueness", `${name} is taken`);
      }
      const record = { ...JSON.parse(JSON.stringify(sent)), id };
      records.set(id, record);
      return record;
    },
    degress: (resource) => {
      records.delete(resource.id);
    },
  });
};
declare(SCIMMY.Resources.User, "userName");
declare(SCIMMY.Resources.Group, "displayName");

const handler = (request) => {
  if (request.header("Authorization") !== `Bearer ${token}`) {
    throw new Error("a bearer token is needed");
  }
  return "provisioner";
};
express()
  .use("/scim", new SCIMMYRouters({ type: "bearer", handler }))
  .listen(Number(port), "127.0.0.1");
