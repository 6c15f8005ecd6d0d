import { create } from 'zustand';

interface Announcements {
  message: string;
  say(message: string): void;
}

/** What the page's polite live region says. Rooms announce beginnings and ends, not every step. */
export const useAnnouncements = create<Announcements>()((set) => ({
  message: '',
  say: (message) => set({ message }),
}));

/** Tells people who use a screen reader that something began, ended or failed. */
export function announce(message: string): void {
  useAnnouncements.getState().say(message);
}
