import { useCallback, useState } from 'react';
import { useAction } from '../action';
import { useAnswer } from '../answer';
import type { Schemas } from '../client';
import { useShared } from '../context';
import { common, label, parked as words } from '../strings';
import { Alert } from '../ui/Alert';
import { Button } from '../ui/Button';
import { ConfirmDialog } from '../ui/ConfirmDialog';
import { Dialog } from '../ui/Dialog';
import { Facts } from '../ui/Facts';

interface Props {
  user: Schemas['ParkedUser'];
  onClose: () => void;
  onLinked: () => unknown;
}

/** Shows the downstream record before it is taken: no record is linked unseen. */
export function LinkDialog({ user, onClose, onLinked }: Props) {
  const { api } = useShared();
  const { busy, fault, run } = useAction();
  const [stale, setStale] = useState(false);
  const found = useAnswer(useCallback(() => api.parkedUser(user.user_id), [api, user.user_id]));
  const candidate = found.data?.candidate;
  if (!candidate) {
    const text = found.pending ? common.loading : found.error ? common.loadFailed : words.noCandidate;
    return (
      <Dialog title={words.linkTitle} onClose={onClose} text={text}>
        <div className="kv-actions kv-end">
          <Button onClick={onClose}>{label.cancel}</Button>
        </div>
      </Dialog>
    );
  }
  const link = () =>
    run(
      'link',
      async () => {
        await api.link(user.user_id, candidate.id);
        await onLinked();
      },
      async fault => {
        if (fault.code !== 'stale') return false;
        setStale(true);
        await found.refetch();
        return true;
      },
    );
  const facts: [string, string | null | undefined][] = [
    [words.recordId, candidate.id],
    [words.recordName, candidate.user_name],
    [words.recordDisplay, candidate.display_name],
    [words.recordExternal, candidate.external_id],
    [words.recordActive, candidate.active == null ? null : candidate.active ? words.yes : words.no],
  ];
  return (
    <ConfirmDialog
      title={words.linkTitle}
      text={words.linkText}
      confirm={label.link}
      look="primary"
      busy={!!busy}
      onConfirm={link}
      onClose={onClose}
    >
      {!busy && (stale || fault) && <Alert tone="warn" title={fault ? fault.words : words.stale} focus />}
      <Facts facts={facts} none={words.none} />
    </ConfirmDialog>
  );
}
