import { create } from 'zustand';

interface HubToken {
  /** Access token for what is gated; in memory alone unless the person asks to keep it. */
  token: string;
  kept: boolean;
  setToken(token: string, kept: boolean): void;
}

const key = 'acuity.hub-token';
const keptToken = globalThis.localStorage?.getItem(key) ?? '';

/** The token that all visits to the hub share. */
export const useHubToken = create<HubToken>()((set) => ({
  token: keptToken,
  kept: keptToken !== '',

  setToken(token, kept) {
    set({ token, kept });
    if (kept && token) localStorage.setItem(key, token);
    else localStorage.removeItem(key);
  },
}));

/** What to send with a request: null without a token. */
export const tokenToSend = (): string | null => useHubToken.getState().token.trim() || null;
