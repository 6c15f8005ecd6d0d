import { create } from 'zustand';
import { persist } from 'zustand/middleware';
import type { FoundPair, NamedBlob, PairSearch, SecondEncoderSummary } from '../../../workers/protocol.ts';
import { mmvpFiles } from '../../evaluation/mmvp-export.ts';
import { announce } from '../shared/announce.ts';
import { engine } from '../shared/engine.ts';
import { nameOfFiles } from '../shared/files.ts';
import { formatPlural } from '../shared/format.ts';
import { advance, busy, cancelling, ended, idle, type Work } from '../shared/work.ts';

/** A pair under review. */
export interface Review extends FoundPair {
  /** Image set of both images. */
  owner: string;
  type: string;
  statements: [string, string];
  kept: boolean | null;
}

interface BlindPairsState {
  /** Encoders loaded for a second opinion. */
  seconds: SecondEncoderSummary[];
  loading: Work;
  searching: Work;
  /** What was found and what was written about it; stays when the page is loaded again. */
  reviews: Review[];
  searched: boolean;
  exportProblem: string | null;

  loadSecond(files: NamedBlob[]): Promise<string | null>;
  failLoading(problem: string): void;
  search(search: PairSearch): Promise<void>;
  cancel(): Promise<void>;
  write(pair: Review, change: Partial<Pick<Review, 'type' | 'statements' | 'kept'>>): void;
  /** The kept pairs as the files of a benchmark; null when they cannot be. */
  benchmark(): Promise<NamedBlob[] | null>;
}

const keyOf = ({ owner, paths }: Pick<Review, 'owner' | 'paths'>): string => [owner, ...paths].join('\n');

export const useBlindPairs = create<BlindPairsState>()(
  persist(
    (set, get) => ({
      seconds: [],
      loading: idle,
      searching: idle,
      reviews: [],
      searched: false,
      exportProblem: null,

      async loadSecond(files) {
        set({ loading: busy() });
        try {
          const name = nameOfFiles(files, 'Second encoder');
          const loaded = await engine().loadSecondEncoder({ kind: 'files', name, files }, (progress) =>
            set(({ loading }) => ({ loading: advance(loading, progress) })),
          );
          set(({ seconds }) => ({
            loading: idle,
            seconds: [loaded, ...seconds.filter(({ id }) => id !== loaded.id)],
          }));
          return loaded.id;
        } catch (error) {
          set(({ loading }) => ({ loading: ended(loading, error) }));
          return null;
        }
      },

      failLoading: (problem) => set({ loading: { state: 'failed', problem } }),

      async search(search) {
        set({ searching: busy(), exportProblem: null });
        try {
          const found = await engine().findBlindPairs(search, (progress) =>
            set(({ searching }) => ({ searching: advance(searching, progress) })),
          );
          set(({ reviews }) => {
            // What was written or decided before stays; the rest gives way to what is found now.
            const worked = reviews.filter(
              ({ kept, statements }) => kept !== null || statements.some((text) => text !== ''),
            );
            const known = new Set(worked.map(keyOf));
            const fresh = found
              .map(
                (pair): Review => ({
                  ...pair,
                  owner: search.imageSet,
                  type: 'Presence of Specific Features',
                  statements: ['', ''],
                  kept: null,
                }),
              )
              .filter((pair) => !known.has(keyOf(pair)));
            return { searching: idle, searched: true, reviews: [...worked, ...fresh] };
          });
          announce(`${formatPlural(found.length, 'pair')} found`);
        } catch (error) {
          set(({ searching }) => ({ searching: ended(searching, error) }));
        }
      },

      async cancel() {
        set(({ searching, loading }) => ({ searching: cancelling(searching), loading: cancelling(loading) }));
        await engine().cancel('evaluate');
      },

      write: (pair, change) =>
        set(({ reviews }) => ({
          reviews: reviews.map((each) => (keyOf(each) === keyOf(pair) ? { ...each, ...change } : each)),
          exportProblem: null,
        })),

      async benchmark() {
        try {
          const pairs = get().reviews.filter(({ kept }) => kept === true);
          const read = async (owner: string, path: string) => ({
            path,
            blob: await engine().file(owner, path),
          });
          const written = await Promise.all(
            pairs.map(async ({ owner, paths: [a, b], type, statements }) => ({
              type,
              statements,
              images: [await read(owner, a), await read(owner, b)] as [NamedBlob, NamedBlob],
            })),
          );
          return mmvpFiles(written);
        } catch (error) {
          set({ exportProblem: error instanceof Error ? error.message : String(error) });
          return null;
        }
      },
    }),
    { name: 'acuity-blind-pairs', version: 1, partialize: ({ reviews }) => ({ reviews }) },
  ),
);
