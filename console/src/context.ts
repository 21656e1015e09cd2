import { createContext, type RefObject, useContext } from 'react';
import type { IdentitySync, TenantApi } from './client';

export type Direction = 'inbound' | 'outbound';

/** What every part of the section shares. No secret is in it. */
export interface Shared {
  api: TenantApi;
  /** The list of parked users as it was when one was first needed. */
  parked: RefObject<Awaited<ReturnType<TenantApi['parked']>> | undefined>;
  tenant: string;
  mayWrite: boolean;
  development: boolean;
  /** Where to ask for more than the panels offer. */
  supportUrl?: string;
  /** Says it once in the polite live region. */
  announce: (text: string) => void;
  /** Shows a panel as before until the call has its answer, whatever is heard of it meanwhile. */
  during: <T>(direction: Direction, call: () => Promise<T>) => Promise<T>;
  /** Fetches both panels again and gives the answer; nothing where there is none, which the section says by itself. */
  refresh: () => Promise<IdentitySync | undefined>;
}

const Context = createContext<Shared | undefined>(undefined);
export const SharedProvider = Context.Provider;

export function useShared(): Shared {
  const shared = useContext(Context);
  if (!shared) throw new Error('outside of the identity sync section');
  return shared;
}

/** The locale of dates and numbers, also for the pages around the section. */
export const LocaleContext = createContext<string | undefined>(undefined);
export const useLocale = () => useContext(LocaleContext);

export function useNumber(): (n: number) => string {
  const locale = useLocale();
  return n => n.toLocaleString(locale);
}
