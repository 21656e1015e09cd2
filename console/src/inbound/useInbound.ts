import { useCallback, useState } from 'react';
import { useAction } from '../action';
import type { Fault, IdentitySync, Schemas } from '../client';
import { useShared } from '../context';
import { inbound as words } from '../strings';

/** What stands above the panel after something unexpected. */
export type Notice = 'elsewhere' | 'undelivered' | 'rotatedUndelivered' | 'unchanged' | 'hidden';

/**
 * The life of the inbound token on this page. The plaintext goes from the answer into this state and nowhere else; it
 * leaves with Done, with the panel, or when the page was out of sight for too long.
 */
export function useInbound() {
  const { api, refresh } = useShared();
  const { busy, fault, run } = useAction();
  const [token, setToken] = useState('');
  const [notice, setNotice] = useState<Notice>();
  const [dialog, setDialog] = useState<'rotate' | 'disable'>();
  const [stale, setStale] = useState(false);
  // What the operator saw when the dialog opened, not what a refresh has brought since.
  const [version, setVersion] = useState(0);

  const fetched = useCallback(
    async () => (await refresh().catch(() => undefined)) as IdentitySync | undefined,
    [refresh],
  );

  const reveal = async (minted: Schemas['Revealed']) => {
    setToken(minted.token);
    setNotice(undefined);
    setDialog(undefined);
    await fetched();
  };

  const enable = () =>
    run(
      'enable',
      async () => reveal(await api.enableInbound()),
      async (fault: Fault) => {
        if (fault.code === 'already_enabled') {
          await fetched();
          setNotice('elsewhere');
          return true;
        }
        if (!fault.unconfirmed) return false;
        const now = await fetched();
        if (!now) return false;
        setNotice(now.inbound.status === 'enabled' ? 'undelivered' : 'unchanged');
        return true;
      },
    );

  const rotate = () =>
    run(
      'rotate',
      async () => reveal(await api.rotate(version)),
      async (fault: Fault) => {
        if (fault.code === 'stale') {
          const now = await fetched();
          if (now) setVersion(now.version);
          setStale(true);
          return true;
        }
        setDialog(undefined);
        if (!fault.unconfirmed) {
          await fetched();
          return false;
        }
        const now = await fetched();
        if (!now) return false;
        setNotice(now.version === version ? 'unchanged' : 'rotatedUndelivered');
        return true;
      },
    );

  const disable = () =>
    run(
      'disable',
      async () => {
        await api.disableInbound();
        setToken('');
        setNotice(undefined);
        // Closed first: the heading can take the focus only when no modal is open.
        setDialog(undefined);
        await fetched();
      },
      async () => {
        setDialog(undefined);
        await fetched();
        return false;
      },
    );

  return {
    token,
    notice,
    dialog,
    stale,
    busy,
    fault,
    enable,
    rotate,
    disable,
    ask: (which: 'rotate' | 'disable', seen: number) => {
      setVersion(seen);
      setStale(false);
      setDialog(which);
    },
    closeDialog: () => setDialog(undefined),
    done: useCallback(() => setToken(''), []),
    hiddenTooLong: useCallback(() => {
      setToken('');
      setNotice('hidden');
    }, []),
  };
}

export const noticeWords: Record<Exclude<Notice, 'elsewhere'>, [title: string, text: string]> = {
  undelivered: [words.unconfirmed, words.undelivered],
  rotatedUndelivered: [words.unconfirmed, words.rotatedUndelivered],
  unchanged: [words.unconfirmed, words.unchanged],
  hidden: [words.hiddenTooLong, ''],
};
