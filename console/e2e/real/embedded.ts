import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { call, type Installation, type Tenant } from './installation';
import { Program } from './program';

interface Ready {
  control_url: string;
  operator_token: string;
  downstream_url: string;
  downstream_token: string;
}

interface Shown {
  id: string;
  username: string;
  email?: string;
  first_name?: string;
  last_name?: string;
  enabled: boolean;
}

interface Demo extends Installation {
  /** A tenant the demo has by itself. */
  known(name: string): Promise<Tenant>;
}

/** The demo: everything embedded, the page served by control, people of an embedded realm. */
export async function embedded(...words: string[]): Promise<Demo> {
  const program = new Program({});
  const file = join(program.directory, 'ready.json');
  const data = join(program.directory, 'data');
  const read = () => JSON.parse(readFileSync(file, 'utf8')) as Ready;
  await program.start(['demo', '--port', '0', '--data', data, '--ready-file', file, ...words], async () => !!read());
  const { control_url, operator_token, downstream_url, downstream_token } = read();

  const of = (name: string, base_url: string): Tenant => {
    const users = `${control_url}/v1/tenants/${name}/realm-users`;
    const find = async (userName: string) =>
      (await call<Shown[]>('GET', users, operator_token)).find(one => one.username === userName);
    return {
      slug: name,
      baseUrl: base_url,
      open: async (page, _who, { at = `tenants/${name}` } = {}) => {
        const { code } = await call<{ code: string }>('POST', `${control_url}/console/code`, operator_token);
        await page.goto(`${control_url}/console/${at}#code=${code}`);
      },
      person: async userName => {
        const found = await find(userName);
        return (
          found && {
            email: found.email,
            firstName: found.first_name,
            lastName: found.last_name,
            enabled: found.enabled,
          }
        );
      },
      rename: async (userName, last_name) => {
        const found = await find(userName);
        await call('PATCH', `${users}/${found?.id}`, operator_token, { last_name });
      },
    };
  };
  const tenants = `${control_url}/v1/tenants`;
  const tenant = async (name: string) => {
    const body = { slug: name, realm: name, display_name: `Tenant ${name}` };
    return of(name, (await call<{ base_url: string }>('POST', tenants, operator_token, body)).base_url);
  };
  const known = async (name: string) => {
    const found = await call<{ tenants: { base_url: string }[] }>('GET', `${tenants}?search=${name}`, operator_token);
    return of(name, found.tenants[0]?.base_url ?? '');
  };
  return {
    known,
    controlUrl: control_url,
    downstream: { url: downstream_url, token: downstream_token },
    tenant,
    stop: () => program.stop(),
  };
}
