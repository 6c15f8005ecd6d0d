import { useMediaQuery } from '@mantine/hooks';
import { create } from 'zustand';
import { persist } from 'zustand/middleware';

export type SchemeChoice = 'auto' | 'light' | 'dark';

interface SchemeState {
  choice: SchemeChoice;
  choose(choice: SchemeChoice): void;
}

/** The person's choice, kept in this browser. */
export const useSchemeChoice = create<SchemeState>()(
  persist(
    (set) => ({
      choice: 'auto',
      choose: (choice) => set({ choice }),
    }),
    { name: 'acuity-color-scheme', version: 1, partialize: ({ choice }) => ({ choice }) },
  ),
);

/** The scheme to show: the choice, or what the system asks for. */
export function useColorScheme(): 'light' | 'dark' {
  const choice = useSchemeChoice((state) => state.choice);
  const dark = useMediaQuery('(prefers-color-scheme: dark)', undefined, { getInitialValueInEffect: false });
  if (choice !== 'auto') return choice;
  return dark ? 'dark' : 'light';
}
