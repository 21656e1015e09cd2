/** One answer of the gateway. */
export interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: SCIM documents are looked into by the tests
  body: any;
}

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

class Provider {
  constructor(
    private readonly baseUrl: string,
    /** As it is typed into the identity provider. */
    private readonly authorization: string,
    private readonly agent: string,
  ) {}

  async call(method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await fetch(this.baseUrl + path, {
      method,
      headers: {
        authorization: this.authorization,
        'user-agent': this.agent,
        accept: 'application/scim+json',
        'content-type': 'application/scim+json; charset=utf-8',
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    return { status: answer.status, body: text ? JSON.parse(text) : undefined };
  }

  protected find(userName: string) {
    return this.call('GET', `/Users?filter=${encodeURIComponent(`userName eq "${userName}"`)}`);
  }
}

/** Okta, with header authentication: what is in its field goes out as it stands. */
export class Okta extends Provider {
  constructor(baseUrl: string, apiToken: string) {
    super(baseUrl, apiToken, 'Okta SCIM Client 1.0.0');
  }

  testCredentials = () => this.call('GET', '/Users?startIndex=1&count=2');

  async assign(userName: string, given: string, family: string): Promise<Answer> {
    const found = await this.find(userName);
    if (found.status !== 200 || found.body.totalResults) return found;
    return this.call('POST', '/Users', {
      schemas: [USER],
      userName,
      name: { givenName: given, familyName: family },
      emails: [{ primary: true, value: userName, type: 'work' }],
      displayName: `${given} ${family}`,
      locale: 'en-US',
      externalId: `00u-${userName}`,
      groups: [],
      password: '1mz050nq',
      active: true,
    });
  }

  async updateProfile(id: string, family: string): Promise<Answer> {
    const { body } = await this.call('GET', `/Users/${id}`);
    body.name.familyName = family;
    return this.call('PUT', `/Users/${id}`, body);
  }

  activate = (id: string, active: boolean) =>
    this.call('PATCH', `/Users/${id}`, { schemas: [PATCH], Operations: [{ op: 'replace', value: { active } }] });
}

/** Entra ID: puts Bearer before the secret token itself, and speaks in its own way. */
export class Entra extends Provider {
  constructor(tenantUrl: string, secretToken: string) {
    super(tenantUrl, `Bearer ${secretToken}`, 'Microsoft Entra SCIM');
  }

  testConnection = () => this.find(crypto.randomUUID());

  async provision(userName: string, given: string, family: string): Promise<Answer> {
    const found = await this.find(userName);
    if (found.status !== 200 || found.body.totalResults) return found;
    return this.call('POST', '/Users', {
      schemas: [USER, ENTERPRISE],
      externalId: userName.split('@')[0],
      userName,
      active: true,
      displayName: `${given} ${family}`,
      emails: [{ type: 'work', value: userName, primary: true }],
      name: { formatted: `${given} ${family}`, familyName: family, givenName: given },
      meta: { resourceType: 'User' },
      [ENTERPRISE]: { department: 'Research' },
    });
  }

  disable = (id: string) =>
    this.call('PATCH', `/Users/${id}`, {
      schemas: [PATCH],
      Operations: [{ op: 'Replace', path: 'active', value: 'False' }],
    });
}

/** A person of a Google Workspace, as its directory tells of them. */
export interface Account {
  primaryEmail: string;
  name: { givenName: string; familyName: string };
  suspended: boolean;
}

/** A workflow tool between Google Workspace and SCIM: sends its header as it stands, and the attributes that were mapped. */
export class Connector extends Provider {
  constructor(address: string, authorization: string) {
    super(address, authorization, 'workflow-connector/2.1');
  }

  async run(accounts: Account[], map: ((account: Account) => object)[]): Promise<number[]> {
    const statuses: number[] = [];
    for (const account of accounts) {
      const { body } = await this.find(account.primaryEmail);
      const id = body.Resources[0]?.id;
      const user = Object.assign({ schemas: [USER] }, ...map.map(one => one(account)));
      statuses.push((await (id ? this.call('PUT', `/Users/${id}`, user) : this.call('POST', '/Users', user))).status);
    }
    return statuses;
  }
}
