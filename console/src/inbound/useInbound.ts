import { useCallback, useEffect, useLayoutEffect, useState } from 'react';
import { useAction } from '../action';
import type { Fault, IdentitySync, Schemas } from '../client';
import { useShared } from '../context';
import { common, inbound as words } from '../strings';

type Kind =
  | 'elsewhere'
  | 'undelivered'
  | 'rotatedUndelivered'
  | 'unchanged'
  | 'hidden'
  | 'replaced'
  | 'unsure'
  | 'unsureOff';

/** What stands above the panel after something unexpected, and the panel it was said of. */
export interface Notice {
  kind: Kind;
  of?: Schemas['InboundPanel'];
}

/** Which token is live, if one is. The configuration's version also counts what leaves the token alone. */
const live = ({ inbound }: IdentitySync) => [inbound.status, inbound.token_hint, inbound.token_issued_at].join();

/**
 * The life of the inbound token on this page. The plaintext goes from the answer into this state and nowhere else; it
 * leaves with Done, with the panel, when the page was out of sight for too long, or when it is not the live token any more.
 */
export function useInbound(sync: IdentitySync) {
  const { api, during, refresh } = useShared();
  const { busy, fault, run } = useAction();
  const [minted, setMinted] = useState<Schemas['Revealed']>();
  const [said, setSaid] = useState<Notice & { live?: string }>();
  const [dialog, setDialog] = useState<'rotate' | 'disable'>();
  const [stale, setStale] = useState<'rotated' | 'movedOn'>();
  // What the operator saw when the dialog opened, not what a refresh has brought since.
  const [seen, setSeen] = useState(sync);

  const say = (kind: Kind, now?: IdentitySync) => setSaid({ kind, of: now?.inbound, live: now && live(now) });
  // What was said of a state is not left standing over another one.
  const notice = said && (!said.live || said.live === live(sync)) ? said : undefined;

  const on = sync.inbound.status === 'enabled';
  const dead = minted && sync.version >= minted.version && (!on || sync.inbound.token_hint !== minted.hint);
  // Before anything else happens: what a call finds out about its own result comes after this and replaces it.
  useLayoutEffect(() => {
    if (!dead) return;
    setMinted(undefined);
    setSaid({ kind: 'replaced' });
  }, [dead]);

  // Off by somebody else's hand, there is nothing left to ask.
  useEffect(() => {
    if (!on) setDialog(undefined);
  }, [on]);

  const act = (name: string, call: () => Promise<unknown>, onFault: (fault: Fault) => Promise<boolean>) => {
    setSaid(undefined);
    return run(name, call, onFault);
  };
  const reveal = async (fresh: Schemas['Revealed']) => {
    setMinted(fresh);
    setDialog(undefined);
    await refresh();
  };
  const off = () => {
    setMinted(undefined);
    setSaid(undefined);
    // Closed first: the heading can take the focus only when no modal is open.
    setDialog(undefined);
  };

  const enable = () =>
    act(
      'enable',
      async () => reveal(await during('inbound', api.enableInbound)),
      async ({ code, unconfirmed }) => {
        if (code !== 'already_enabled' && !unconfirmed) return false;
        const now = await refresh();
        if (unconfirmed) say(!now ? 'unsure' : now.inbound.status === 'enabled' ? 'undelivered' : 'unchanged', now);
        else if (now) say('elsewhere', now);
        return unconfirmed || !!now;
      },
    );

  const rotate = () =>
    act(
      'rotate',
      async () => reveal(await during('inbound', () => api.rotate(seen.version))),
      async ({ code, unconfirmed }) => {
        const now = await refresh();
        if (code === 'stale' && now?.inbound.status === 'enabled') {
          setStale(live(now) === live(seen) ? 'movedOn' : 'rotated');
          setSeen(now);
          return true;
        }
        setDialog(undefined);
        if (unconfirmed) say(!now ? 'unsure' : live(now) === live(seen) ? 'unchanged' : 'rotatedUndelivered', now);
        return unconfirmed;
      },
    );

  const disable = () =>
    act(
      'disable',
      async () => {
        await during('inbound', api.disableInbound);
        off();
        await refresh();
      },
      async ({ unconfirmed }) => {
        setDialog(undefined);
        const now = await refresh();
        if (!unconfirmed) return false;
        if (now?.inbound.status === 'disabled') off();
        else say(now ? 'unchanged' : 'unsureOff', now);
        return true;
      },
    );

  return {
    token: (!dead && minted?.token) || '',
    notice,
    dialog: on ? dialog : undefined,
    stale,
    busy,
    fault,
    enable,
    rotate,
    disable,
    ask: (which: 'rotate' | 'disable') => {
      setSeen(sync);
      setStale(undefined);
      setDialog(which);
    },
    closeDialog: () => setDialog(undefined),
    done: useCallback(() => setMinted(undefined), []),
    hiddenTooLong: useCallback(() => {
      setMinted(undefined);
      setSaid({ kind: 'hidden' });
    }, []),
  };
}

export const noticeWords: Record<Exclude<Kind, 'elsewhere'>, [title: string, text: string]> = {
  undelivered: [common.unconfirmed, words.undelivered],
  rotatedUndelivered: [common.unconfirmed, words.rotatedUndelivered],
  unchanged: [common.unconfirmed, words.unchanged],
  unsure: [common.unconfirmed, words.unsure],
  unsureOff: [common.unconfirmed, common.unsure],
  hidden: [words.hiddenTooLong, ''],
  replaced: [words.replaced, ''],
};
