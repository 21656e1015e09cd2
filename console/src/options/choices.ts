// The options a person can choose, with their words.

import type { Options } from '../client';

/** One option: a choice where there are choices, a number where there is a least one, else on or off. */
export interface Option<D extends keyof Options> {
  name: keyof Options[D] & string;
  title: string;
  hint?: string;
  choices?: Record<string, string>;
  min?: number;
}

// The options of each direction, in the order in which they are shown; the name is the API's.
export const options: { [D in keyof Options]: Option<D>[] } = {
  inbound: [
    {
      name: 'idp_profile',
      title: 'IdP dialect',
      choices: { auto: 'Find out by itself', okta: 'Okta', entra: 'Entra ID', generic: 'Plain SCIM 2.0' },
    },
    {
      name: 'existing_users',
      title: 'A pushed user who already exists in the realm',
      choices: { refuse: 'Answer 409, change nothing', adopt: 'Take the user over' },
    },
    { name: 'token_days', title: 'New tokens expire after (days)', hint: 'Empty: never.', min: 1 },
    {
      name: 'requests_per_second',
      title: 'Requests per second',
      hint: 'Empty: the default. At least 25.',
      min: 25,
    },
    { name: 'strict_members', title: 'Refuse group members that do not exist' },
    { name: 'allow_rename', title: 'The IdP may change a userName' },
    {
      name: 'any_username',
      title: 'Take userNames of any script and characters',
      hint: 'Lifts the rule of the realm, which takes Latin letters only. It stays lifted.',
    },
  ],
  outbound: [
    {
      name: 'on_delete',
      title: 'When a user is deleted in the realm',
      choices: { nothing: 'Change nothing downstream', deactivate: 'Deactivate the user downstream' },
    },
    {
      name: 'hold_mass_deactivation',
      title: 'Hold a mass deactivation until somebody confirms it',
      hint: 'More than 20 users, and more than a tenth of all, within 10 minutes.',
    },
    {
      name: 'push_groups',
      title: 'Push groups and their members too',
      hint: 'Groups that change from now on. A backfill brings the others.',
    },
  ],
};
