// A host of the React component, as its types see it; never run. Needs the build.
import { type Changed, IdentitySync, type Props } from '@kevra/identity-sync-panel';

const props: Props = {
  tenant: 'acme',
  getToken: async () => '',
  theme: 'dark',
  onChanged: ({ direction, status }: Changed) => `${direction} ${status}`,
};

export const whole = <IdentitySync {...props} />;
// @ts-expect-error without a token there is nothing to show
export const tokenless = <IdentitySync tenant="acme" />;
