import { screen, waitFor, within } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import { off } from '../e2e/scenarios.mjs';
import { operator } from '../e2e/world.mjs';
import { backfill, common, inbound, label } from '../src/strings';
import { button, once, panel, refuse, section } from './harness';
import { world } from './setup';

// What had the focus goes away, or is switched off: it goes to the nearest place that stays, never to the page's body.

const heading = (name: string) => screen.getByRole('heading', { name });
const row = (name: string) => within(panel('outbound').getByText(name).closest('li') as HTMLElement);
const ADA = 'ada.lovelace@globex.example';

/** The parked users' names, in their order. */
const parkedUsers = () => world.of('globex').parked.map(one => one.username ?? one.user_id);

describe('the focus', () => {
  it.each([
    'Retry',
    'Ignore',
  ])('%s on a parked user: the next one’s first action, at the end the last one’s, then the heading', async what => {
    const { user } = await section('globex');
    const [first, second, third] = parkedUsers() as [string, string, string];
    const act = (name: string) => user.click(row(name).getByRole('button', { name: what }));
    const action = (name: string) => row(name).getAllByRole('button')[0];
    await panel('outbound').findByText(first);
    await act(first);
    await waitFor(() => expect(panel('outbound').queryByText(first)).toBeNull());
    await waitFor(() => expect(action(second)).toHaveFocus());
    await act(third);
    await waitFor(() => expect(panel('outbound').queryByText(third)).toBeNull());
    await waitFor(() => expect(action(second)).toHaveFocus());
    await act(second);
    await waitFor(() => expect(panel('outbound').queryByText(label.parked)).toBeNull());
    await waitFor(() => expect(heading(label.outbound)).toHaveFocus());
  });

  it('a row somebody else has dealt with, while it had the focus', async () => {
    await section('globex');
    await panel('outbound').findByText(ADA);
    const [, second = ''] = parkedUsers();
    row(ADA).getByRole('button', { name: label.retry }).focus();
    const { parked, sync } = world.of('globex');
    parked.shift();
    Object.assign(sync.outbound.health ?? {}, { parked: parked.length });
    document.dispatchEvent(new Event('visibilitychange'));
    await waitFor(() => expect(panel('outbound').queryByText(ADA)).toBeNull());
    await waitFor(() => expect(row(second).getAllByRole('button')[0]).toHaveFocus());
  });

  it('Confirm of what was held: the panel’s heading', async () => {
    const { user } = await section('umbrella');
    await user.click(panel('outbound').getByRole('button', { name: label.confirm }));
    await user.click(within(screen.getByRole('dialog')).getByRole('button', { name: label.confirm }));
    await waitFor(() => expect(panel('outbound').queryByText(/Deactivations held/)).toBeNull());
    await waitFor(() => expect(heading(label.outbound)).toHaveFocus());
  });

  it('a backfill: what can be done next', async () => {
    const { user } = await section('globex');
    await user.click(screen.getByText(label.backfill));
    for (const [press, next] of [
      // It stands where it stood, under another name.
      [label.dryRun, backfill.again],
      [label.runBackfill, label.pause],
      [label.pause, label.resume],
      [label.resume, label.pause],
      [label.cancel, label.dryRun],
    ] as const) {
      await user.click(await panel('outbound').findByRole('button', { name: press }));
      await waitFor(() => expect(panel('outbound').getByRole('button', { name: next })).toHaveFocus());
    }
  });

  it('turned off: the heading; also where it was turned off elsewhere under who was about to press', async () => {
    const { user } = await section('globex');
    await user.click(panel('outbound').getByRole('button', { name: label.disable }));
    world.of('globex').sync.outbound = off();
    document.dispatchEvent(new Event('visibilitychange'));
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
    await waitFor(() => expect(heading(label.outbound)).toHaveFocus());
  });

  it('turned off elsewhere: who is at something else keeps the focus', async () => {
    const { user } = await section('globex');
    const field = panel('activity').getByLabelText('User');
    await user.click(field);
    Object.assign(world.of('globex').sync, { outbound: off() });
    Object.assign(world.of('globex').sync.inbound, { status: 'disabled' });
    document.dispatchEvent(new Event('visibilitychange'));
    await screen.findByLabelText(label.downstreamUrl);
    expect(button(label.enableInbound)).toBeVisible();
    expect(field).toHaveFocus();
  });

  it('put down by a press beside everything: nothing takes it up again', async () => {
    const { user } = await section('globex');
    await panel('outbound').findByText(ADA);
    row(ADA).getByRole('button', { name: label.retry }).focus();
    await user.click(document.body);
    expect(document.body).toHaveFocus();
    world.of('globex').sync.outbound = off();
    document.dispatchEvent(new Event('visibilitychange'));
    await screen.findByLabelText(label.downstreamUrl);
    expect(document.body).toHaveFocus();
  });

  it('Keep it open: Done again', async () => {
    const { user } = await section('acme');
    await user.click(button(label.enableInbound));
    await user.click(await screen.findByRole('button', { name: label.done }));
    await user.click(button(inbound.keepOpen));
    expect(button(label.done)).toHaveFocus();
    await user.click(button(label.done));
    await user.click(button(inbound.closeAnyway));
    await waitFor(() => expect(heading(label.inbound)).toHaveFocus());
  });

  it('Try again, when the first answer comes: the section’s heading', async () => {
    once('get', 'identity-sync', () => refuse('unavailable', 503));
    const view = section('globex', { getToken: async () => operator() });
    const again = await screen.findByRole('button', { name: common.tryAgain });
    again.focus();
    again.click();
    await view;
    await waitFor(() => expect(heading(label.section)).toHaveFocus());
  });
});
