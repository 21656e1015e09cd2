import { execFileSync } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { embedded } from './embedded';
import { host, type Wanted } from './host';
import type { Installation, Tenant } from './installation';
import { Keycloak } from './keycloak';
import { freePort, ok, Program } from './program';

/** 32 zero bytes: a keyring for tests. */
const KEYRING = 'test:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=';
const ISSUER = 'https://console.test';
const AUDIENCE = 'kevra-scim-control';
const RIGHTS = 'sync:read sync:write tenants:admin realm:write';

const fact = (name: string): string => {
  const value = process.env[`KEVRA_TEST_${name}`];
  if (!value) throw new Error(`KEVRA_TEST_${name} is not set: run these tests through scripts/test`);
  return value;
};

const psql = (statement: string) =>
  execFileSync(fact('PSQL'), ['--quiet', '--no-psqlrc', '--dbname', fact('DATABASE_URL'), '--command', statement]);

async function vhost(method: 'PUT' | 'DELETE', name: string) {
  const answer = await fetch(`${fact('AMQP_ADMIN')}/api/vhosts/${name}`, {
    method,
    headers: { authorization: `Basic ${btoa('guest:guest')}` },
  });
  if (!answer.ok) throw new Error(`the vhost ${name}: ${answer.status}`);
}

/** The console's own issuer of tokens, as the host of the element has one. */
function issuer(directory: string) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keys = join(directory, 'jwks.json');
  const jwk = { ...publicKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256', kid: 'test' };
  writeFileSync(keys, JSON.stringify({ keys: [jwk] }));
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const mint = ({ who, tenant, scope = RIGHTS, life = 600 }: Wanted) => {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: ISSUER, aud: AUDIENCE, sub: who, tenant, scope, iat: now, exp: now + life };
    const text = `${part({ alg: 'ES256', kid: 'test' })}.${part(claims)}`;
    const key = createPrivateKey(privateKey.export({ format: 'pem', type: 'pkcs8' }));
    return `${text}.${sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  };
  return { keys, mint };
}

/** As in production: a process per role, PostgreSQL, RabbitMQ, Keycloak, and the element in another console's page. */
export async function servers(): Promise<Installation> {
  const name = `console-${process.pid}-${Date.now()}`;
  psql(`CREATE DATABASE "${name}"`);
  await vhost('PUT', name);
  const [control, gateway, front] = [await freePort(), await freePort(), await freePort()];
  const [controlUrl, gatewayUrl, hostUrl] = [control, gateway, front].map(port => `http://127.0.0.1:${port}`) as [
    string,
    string,
    string,
  ];
  const keycloak = new Keycloak(fact('KEYCLOAK_URL'), fact('KEYCLOAK_CLIENT_ID'), fact('KEYCLOAK_CLIENT_SECRET'));
  const database = fact('DATABASE_URL').replace(/\/[^/]*$/, `/${name}`);
  const settings: Record<string, string> = {
    DATABASE_URL: database,
    AMQP_URL: `${fact('AMQP_URL')}/${name}`,
    KEYCLOAK_URL: keycloak.url,
    KEYCLOAK_CLIENT_ID: fact('KEYCLOAK_CLIENT_ID'),
    KEYCLOAK_CLIENT_SECRET: fact('KEYCLOAK_CLIENT_SECRET'),
    KEVRA_SEAL_KEYRING: KEYRING,
    KEVRA_REALM_KEYRING: KEYRING,
    KEVRA_JWT_ISSUER: ISSUER,
    KEVRA_JWT_AUDIENCE: AUDIENCE,
    KEVRA_DEVELOPMENT: 'true',
    KEVRA_CONTROL_LISTEN: `127.0.0.1:${control}`,
    KEVRA_GATEWAY_LISTEN: `127.0.0.1:${gateway}`,
    KEVRA_CONSOLE_ORIGINS: hostUrl,
  };
  const program = new Program(settings);
  const { keys, mint } = issuer(program.directory);
  settings.KEVRA_JWKS = keys;
  program.run('migrate');
  program.run('cluster', 'set', 'default', '--public-host', gatewayUrl, '--keycloak-url', keycloak.url);
  const started = ['control', 'gateway', 'dispatcher'].map(async role => {
    const ops = await freePort();
    await program.start([role], ok(`http://127.0.0.1:${ops}/readyz`), { KEVRA_OPS_LISTEN: `127.0.0.1:${ops}` });
  });
  // Only its sample application is of interest: it stands for a customer's.
  const [fieldnotes] = await Promise.all([embedded(), ...started]);
  const page = await host(front, controlUrl, mint);

  const tenant = async (slug: string): Promise<Tenant> => {
    const realm = await keycloak.realm(slug);
    program.run('tenant', 'create', slug);
    return {
      slug,
      baseUrl: `${gatewayUrl}/realms/${slug}/scim/v2`,
      open: async (tab, who = 'dana@acme.test', { at = '', ...rest } = {}) => {
        await tab.goto(`${hostUrl}/${at}?${new URLSearchParams({ tenant: slug, who, ...rest })}`);
      },
      person: realm.person,
      rename: realm.rename,
    };
  };
  return {
    controlUrl,
    downstream: fieldnotes.downstream,
    tenant,
    stop: async () => {
      page.close();
      await Promise.all([program.stop(), fieldnotes.stop()]);
      await Promise.all([keycloak.remove(), vhost('DELETE', name)]);
      psql(`DROP DATABASE "${name}" WITH (FORCE)`);
    },
  };
}
