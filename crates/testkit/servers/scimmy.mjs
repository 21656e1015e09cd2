// SCIMMY as a small SCIM application, users in memory. Usage: node scimmy.mjs PORT TOKEN, where its packages are installed.
import { createRequire } from "node:module";

const require = createRequire(`${process.cwd()}/`);
const load = (name) => {
  const loaded = require(name);
  return loaded.default ?? loaded;
};
const [express, SCIMMY, SCIMMYRouters] = ["express", "scimmy", "scimmy-routers"].map(load);
const [port, token] = process.argv.slice(2);
const users = new Map();

SCIMMY.Resources.declare(SCIMMY.Resources.User, {
  egress: (resource) => {
    if (resource.id === undefined) {
      return [...users.values()];
    }
    const user = users.get(resource.id);
    if (user === undefined) {
      throw new SCIMMY.Types.Error(404, null, `User ${resource.id} not found`);
    }
    return user;
  },
  ingress: (resource, sent) => {
    const id = resource.id ?? crypto.randomUUID();
    const name = sent.userName.toLowerCase();
    if ([...users.values()].some((user) => user.id !== id && user.userName.toLowerCase() === name)) {
      throw new SCIMMY.Types.Error(409, "uniqueness", "userName is taken");
    }
    const user = { ...JSON.parse(JSON.stringify(sent)), id };
    users.set(id, user);
    return user;
  },
  degress: (resource) => {
    users.delete(resource.id);
  },
});

const handler = (request) => {
  if (request.header("Authorization") !== `Bearer ${token}`) {
    throw new Error("a bearer token is needed");
  }
  return "provisioner";
};
express()
  .use("/scim", new SCIMMYRouters({ type: "bearer", handler }))
  .listen(Number(port), "127.0.0.1");
