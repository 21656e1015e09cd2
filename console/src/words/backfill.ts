export const intro =
  'Pushes the users who were there before, and groups where those are pushed. Never starts by itself; a dry run shows what would happen.';
export const states = { running: 'running', paused: 'paused', done: 'done', cancelled: 'cancelled' };
export const dryTitle = 'Dry run';
export const realTitle = 'Backfill';
export const progress = (seen: string, total: string | undefined) =>
  total ? `${seen} of ${total} users looked at` : `${seen} users looked at`;
export const groups = (seen: string, total: string) => `${seen} of ${total} groups looked at`;
export const create = 'to create';
export const update = 'to update';
export const inStep = 'in step';
export const conflict = 'conflicts';
export const sample = 'For example';
export const actions = { create: 'create', update: 'update', conflict: 'conflict' };
export const again = 'Dry run again';
