import type { Person } from './installation';

interface Shown extends Person {
  id: string;
}

/** Realms of the tests' own, and what an administrator of them sees and does. */
export class Keycloak {
  private readonly made: string[] = [];

  constructor(
    readonly url: string,
    private readonly client: string,
    private readonly secret: string,
  ) {}

  async realm(name: string) {
    await this.call('POST', '/admin/realms', { realm: name, enabled: true });
    this.made.push(name);
    const at = `/admin/realms/${name}/users`;
    const find = async (userName: string) => {
      const query = `exact=true&username=${encodeURIComponent(userName)}`;
      return ((await this.call('GET', `${at}?${query}`)) as Shown[])[0];
    };
    return {
      person: async (userName: string): Promise<Person | undefined> => {
        const found = await find(userName);
        if (!found) return undefined;
        const roles = (await this.call('GET', `${at}/${found.id}/role-mappings/realm`)) as { name: string }[];
        const { email, firstName, lastName, enabled } = found;
        return { email, firstName, lastName, enabled, roles: roles.map(role => role.name) };
      },
      /** Reads it whole and saves it whole, as Keycloak's own console does. */
      rename: async (userName: string, lastName: string) => {
        const found = await find(userName);
        const whole = (await this.call('GET', `${at}/${found?.id}`)) as object;
        await this.call('PUT', `${at}/${found?.id}`, { ...whole, lastName });
      },
    };
  }

  async remove(): Promise<void> {
    await Promise.all(this.made.map(name => this.call('DELETE', `/admin/realms/${name}`)));
  }

  private async call(method: string, path: string, body?: unknown): Promise<unknown> {
    // A fresh token for each call: those of the master realm live for a minute.
    const form = { grant_type: 'client_credentials', client_id: this.client, client_secret: this.secret };
    const token = await fetch(`${this.url}/realms/master/protocol/openid-connect/token`, {
      method: 'POST',
      body: new URLSearchParams(form),
    });
    const { access_token } = (await token.json()) as { access_token: string };
    const answer = await fetch(this.url + path, {
      method,
      headers: { authorization: `Bearer ${access_token}`, 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  }
}
