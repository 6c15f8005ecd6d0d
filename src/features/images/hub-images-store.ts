import { create } from 'zustand';
import type { HubModel, TransferProgress } from '../../../workers/hub-protocol.ts';
import { persist } from '../../storage/open.ts';
import { announce } from '../shared/announce.ts';
import { tokenToSend } from '../shared/hub-token.ts';
import { hub } from '../shared/hub-worker.ts';
import { problemOf } from '../shared/work.ts';
import { useImages } from './store.ts';

interface HubImagesState {
  address: string;
  state: 'idle' | 'looking' | 'found' | 'downloading';
  found: HubModel | null;
  /** Of the whole download: the newest report. */
  last: TransferProgress | null;
  cancelling: boolean;
  problem: string | null;
  write(address: string): void;
  find(): Promise<void>;
  /** Downloads what was found and makes an image set of it. */
  download(): Promise<void>;
  cancel(): Promise<void>;
}

const fresh = { state: 'idle', found: null, last: null, cancelling: false, problem: null } as const;

/** The way to a data set on a hub. */
export const useHubImages = create<HubImagesState>()((set, get) => ({
  address: '',
  ...fresh,

  write: (address) => set({ ...fresh, address }),

  async find() {
    set({ ...fresh, state: 'looking' });
    try {
      set({ state: 'found', found: await hub().findImages(get().address, tokenToSend()) });
    } catch (error) {
      set({ state: 'idle', problem: problemOf(error) });
    }
  },

  async download() {
    const { found } = get();
    if (!found) return;
    set({ state: 'downloading', problem: null, cancelling: false });
    void persist();
    try {
      const files = await hub().downloadImages(found, tokenToSend(), (last) => set({ last }));
      // The set keeps its own copies; until then a failure must not lose what was downloaded.
      if (await useImages.getState().addImages(files, found.listing.repository)) {
        await hub().removeImages(found);
        set({ ...fresh, address: '' });
      } else set({ state: 'found' });
    } catch (error) {
      const { cancelling } = get();
      set({ state: 'found', cancelling: false, problem: cancelling ? null : problemOf(error) });
      announce(cancelling ? 'Download cancelled. What has arrived is kept' : 'The download failed');
    }
  },

  async cancel() {
    set({ cancelling: true });
    await hub().cancel();
  },
}));
