import { useId, useState } from 'react';
import { useAction } from '../action';
import type { Schemas, Word } from '../client';
import { useNumber, useShared } from '../context';
import { label, held as words } from '../strings';
import { Alert } from '../ui/Alert';
import { Button } from '../ui/Button';
import { ConfirmDialog } from '../ui/ConfirmDialog';

type Waiting = Schemas['Held'];

const said = (word: Word) => (word.endsWith('refuse') ? label.refuse : label.confirm);

/** What would hit many at once and waits for a person. The word is for as many as were shown. */
export function Held({ held }: { held: Waiting }) {
  const { api, refresh, announce } = useShared();
  const { busy, fault, run } = useAction();
  const [asked, setAsked] = useState<{ word: Word; shown: number }>();
  const number = useNumber();
  const some = (word: Word, count: number) => words.some(word, number(count));
  const say = (word: Word, shown: number) => {
    const after = async () => {
      setAsked(undefined);
      await refresh();
    };
    run(
      word,
      async () => {
        announce(words.decided(some(word, await api.decide(word, shown))));
        await after();
      },
      after,
    );
  };
  return (
    <>
      {fault && <Alert title={fault.code === 'stale' ? words.more : fault.words} focus />}
      <Notice what="deactivations" held={held} onAsk={setAsked} />
      <Notice what="absences" held={held} onAsk={setAsked} />
      <Notice what="groups" held={held} onAsk={setAsked} />
      {asked && (
        <ConfirmDialog
          title={words.asked[asked.word](some(asked.word, asked.shown))}
          text={words.effect[asked.word]}
          confirm={said(asked.word)}
          busy={!!busy}
          onConfirm={() => say(asked.word, asked.shown)}
          onClose={() => setAsked(undefined)}
        />
      )}
    </>
  );
}

interface NoticeProps {
  what: keyof Waiting;
  held: Waiting;
  onAsk: (asked: { word: Word; shown: number }) => void;
}

function Notice({ what, held, onAsk }: NoticeProps) {
  const { mayWrite } = useShared();
  const number = useNumber();
  const id = useId();
  const shown = held[what];
  if (!shown) return null;
  const choices = (Object.keys(words.effect) as Word[]).filter(word => word.startsWith(what));
  return (
    <div role="group" aria-labelledby={id} className="kv-note kv-warn">
      <p id={id} className="kv-strong">
        {words.title[what]} {number(shown)}
      </p>
      <p>{words.why[what]}</p>
      {mayWrite && (
        <div className="kv-actions">
          {choices.map(word => (
            <Button key={word} onClick={() => onAsk({ word, shown })}>
              {said(word)}
            </Button>
          ))}
        </div>
      )}
    </div>
  );
}
