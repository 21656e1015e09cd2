const part = value => btoa(JSON.stringify(value)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

export const attributes = { tenant: 'acme' };

/** What the back end of a host would mint. */
export const getToken = async () => {
  const exp = Date.now() / 1000 + 600;
  const claims = { sub: 'host@example.com', tenant: 'acme', scope: 'sync:read sync:write', exp };
  return `${part({ alg: 'none' })}.${part(claims)}.x`;
};
