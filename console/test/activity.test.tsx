import { screen, waitFor, within } from '@testing-library/react';
import { describe, expect, it, vi } from 'vitest';
import { follow } from '../src/activity/stream';
import { activity, common, label, parked } from '../src/strings';
import { button, once, panel, refuse, section } from './harness';
import { world } from './setup';

const lines = () => panel('activity').queryAllByRole('button', { expanded: false });

/** Opens a push that failed and tries it again. */
async function retried() {
  const { user } = await section('globex');
  const rows = await panel('activity').findAllByRole('button', { expanded: false });
  const failed = rows.find(row => row.textContent?.includes('Rejected · invalidValue')) as HTMLElement;
  await user.click(failed);
  const entry = within(failed.closest('li') as HTMLElement);
  await user.click(entry.getByRole('button', { name: label.retry }));
  return { user, rows, entry };
}

describe('recent activity', () => {
  it('is live: what happens appears by itself, and stops appearing when paused', async () => {
    const { user } = await section('acme');
    await panel('activity').findByText(activity.lines.live);
    world.happen('acme', { direction: 'in', operation: 'POST /Users', client: 'Okta' });
    expect(await panel('activity').findByText('POST /Users')).toBeVisible();
    await user.click(panel('activity').getByRole('button', { name: label.pause }));
    expect(panel('activity').getByText(activity.lines.paused)).toBeVisible();
    await waitFor(() => expect(world.streams.size).toBe(0));
    world.happen('acme', { operation: 'DELETE /Users/{id}', status: 204 });
    expect(lines()).toHaveLength(1);
    await user.click(panel('activity').getByRole('button', { name: label.resume }));
    await panel('activity').findByText(activity.lines.live);
  });

  it('sends the operator’s token in the header, never in the address', async () => {
    await section('acme');
    await panel('activity').findByText(activity.lines.live);
    expect(world.calls.find(call => call.path.endsWith('/activity/stream'))?.path).not.toContain('token');
  });

  it('filters by direction, outcome and user', async () => {
    const { user } = await section('globex');
    await panel('activity').findAllByRole('button', { expanded: false });
    await user.selectOptions(screen.getByLabelText(activity.direction), 'realm');
    await waitFor(() => expect(lines()).toHaveLength(1));
    await user.selectOptions(screen.getByLabelText(activity.direction), '');
    await user.selectOptions(screen.getByLabelText(activity.outcome), activity.classes.rejected);
    await waitFor(() => expect(lines()).toHaveLength(1));
    await user.selectOptions(screen.getByLabelText(activity.outcome), '');
    await user.type(screen.getByLabelText(activity.user), 'b2');
    await waitFor(() => expect(lines()).toHaveLength(1));
    await user.clear(screen.getByLabelText(activity.user));
    await user.type(screen.getByLabelText(activity.user), 'nobody');
    expect(await panel('activity').findByText(activity.nothingFound)).toBeVisible();
  });

  it('names the user, and finds everything of somebody by name, also what comes meanwhile', async () => {
    const { user } = await section('globex');
    const rows = await panel('activity').findAllByRole('button', { expanded: false });
    expect(rows[0]).toHaveTextContent('ada.lovelace@globex.example');
    await user.type(screen.getByLabelText(activity.user), 'ada.lovelace@globex.example');
    await waitFor(() => expect(lines()).toHaveLength(3));
    world.happen('globex', { username: 'ada.lovelace@globex.example', operation: 'PUT /Users/{id}' });
    world.happen('globex', { username: 'grace@globex.example', operation: 'PUT /Users/{id}' });
    await waitFor(() => expect(lines()).toHaveLength(4));
  });

  it('finds somebody in any letters, also what comes meanwhile', async () => {
    const { user } = await section('globex');
    await user.type(await screen.findByLabelText(activity.user), 'ADA.Lovelace@globex.example');
    await waitFor(() => expect(lines()).toHaveLength(3));
    world.happen('globex', { username: 'Ada.Lovelace@globex.example', operation: 'PUT /Users/{id}' });
    await waitFor(() => expect(lines()).toHaveLength(4));
  });

  it('finds somebody by an address that is not the user name, also what comes meanwhile', async () => {
    const person = { id: 'b2', username: 'ada.lovelace@globex.example', email: 'ada@home.example', enabled: true };
    world.of('globex').people.push(person);
    const { user } = await section('globex');
    await user.type(await screen.findByLabelText(activity.user), 'Ada@home.example');
    await waitFor(() => expect(lines()).toHaveLength(1));
    world.happen('globex', { user_id: 'b2', username: person.username, operation: 'PUT /Users/{id}' });
    world.happen('globex', { user_id: 'b9', username: 'grace@globex.example', operation: 'PUT /Users/{id}' });
    await waitFor(() => expect(lines()).toHaveLength(2), { timeout: 3000 });
  });

  it('keeps what the stream brings while a filter’s page is on its way', async () => {
    const { user } = await section('globex');
    await panel('activity').findByText(activity.lines.live);
    let answer = (_: Response) => {};
    once('get', 'activity', () => new Promise<Response>(resolve => (answer = resolve)));
    await user.selectOptions(screen.getByLabelText(activity.outcome), activity.refused);
    world.happen('globex', { class: 'malformed', status: 401, operation: 'GET /Groups' });
    expect(await panel('activity').findByText('GET /Groups')).toBeVisible();
    const earlier = { ...world.of('globex').activity.at(-1), id: 'earlier', operation: 'GET /Schemas' };
    answer(Response.json({ entries: [earlier], next: null }));
    expect(await panel('activity').findByText('GET /Schemas')).toBeVisible();
    expect(panel('activity').getByText('GET /Groups')).toBeVisible();
  });

  it('a row opens to all steps of the change, by their trace, oldest first', async () => {
    const { user } = await section('globex');
    const rows = await panel('activity').findAllByRole('button', { expanded: false });
    await user.click(rows[0] as HTMLElement);
    const steps = (await panel('activity').findByText(activity.steps)).nextElementSibling as HTMLElement;
    await waitFor(() => expect(within(steps).getAllByRole('listitem')).toHaveLength(5));
    expect(
      within(steps)
        .getAllByRole('listitem')
        .map(step => step.textContent?.replace(/^[\d:]+ /, '').trim()),
    ).toEqual([
      'In POST /Users 201  21 ms',
      'Realm create user ok  9 ms',
      'Realm grant role unavailable ×2 7 ms',
      'Realm USER CREATE   0 ms',
      'Out POST /Users 201  48 ms',
    ]);
    expect(within(steps).getByText('unavailable')).toHaveClass('kv-bad-text');
    await user.click(button(activity.onlyUser));
    await waitFor(() => expect(document.querySelectorAll('.kv-entry')).toHaveLength(3));
  });

  it('steps that cannot be loaded: says so, and shows what the row itself knows', async () => {
    const { user } = await section('globex');
    const rows = await panel('activity').findAllByRole('button', { expanded: false });
    once('get', 'activity', () => refuse('unavailable', 503));
    await user.click(rows[0] as HTMLElement);
    expect(await panel('activity').findByText(common.loadFailed)).toBeVisible();
    expect(panel('activity').getByText('48 ms')).toBeVisible();
  });

  it('a push that failed can be tried again from its row, if it is parked', async () => {
    const { user, rows, entry } = await retried();
    expect(await entry.findByRole('status')).toHaveTextContent(parked.retried);
    expect(world.of('globex').parked.some(one => one.user_id === 'b2')).toBe(false);
    await user.click(entry.getByRole('button', { name: label.retry }));
    await waitFor(() => expect(entry.getByRole('status')).toHaveTextContent(parked.notParked));
    await user.click(rows[0] as HTMLElement);
    expect(panel('activity').getAllByRole('button', { name: label.retry })).toHaveLength(1);
  });

  it('a retry that fails is an alert', async () => {
    once('post', 'outbound/parked/:user/retry', () => refuse('unavailable', 503));
    const { entry } = await retried();
    expect(await entry.findByRole('alert')).toHaveTextContent('The service is not available.');
  });

  it('says why a request was refused', async () => {
    await section('globex');
    const rows = await panel('activity').findAllByRole('button', { expanded: false });
    expect(rows.at(-1)).toHaveTextContent(/GET \/Users 401.*Token refused · No “Bearer” before the token/);
  });

  it('empty: says what will appear, and which command makes it appear: a change, as look-ups are not listed', async () => {
    await section('acme');
    expect(await panel('activity').findByText(activity.empty)).toBeVisible();
    expect(panel('activity').getByText((_, element) => element?.tagName === 'CODE')).toHaveTextContent(
      /Bearer YOUR_TOKEN".*"https:\/\/identity-0\.kevra\.app\/realms\/acme\/scim\/v2\/Users" -d '\{/,
    );
  });

  it('goes on by cursor, each entry once', async () => {
    for (let at = 0; at < 30; at++) world.happen('acme', { operation: `GET /Users/${at}` });
    const { user } = await section('acme');
    await waitFor(() => expect(lines()).toHaveLength(25));
    await user.click(button('Show more'));
    await waitFor(() => expect(lines()).toHaveLength(30));
  });

  it('a failed load says so and can be tried again', async () => {
    once('get', 'activity', () => refuse('internal', 500));
    const { user } = await section('globex');
    await user.click(await panel('activity').findByRole('button', { name: 'Try again' }));
    expect((await panel('activity').findAllByRole('button', { expanded: false })).length).toBe(6);
  });

  it('the stream opens again after a break, and stops when told', async () => {
    vi.useFakeTimers();
    const stop = new AbortController();
    const listener = { onOpen: vi.fn(), onEntry: vi.fn(), onLost: vi.fn() };
    const open = vi.fn(async () => new Response('data: {"id":"1"}\r\n\r\n: alive\n\ndata: {"id":"2"}\n\nhalf'));
    const done = follow(open, stop.signal, listener);
    await vi.advanceTimersByTimeAsync(1500);
    expect(listener.onEntry.mock.calls.map(([entry]) => entry.id)).toEqual(['1', '2', '1', '2']);
    expect(listener.onLost).toHaveBeenCalledTimes(2);
    stop.abort();
    await vi.advanceTimersByTimeAsync(60_000);
    await done;
    expect(open).toHaveBeenCalledTimes(2);
    vi.useRealTimers();
  });
});
