import { create } from 'zustand';
import type { HubModel, TransferProgress } from '../../../workers/hub-protocol.ts';
import { persist } from '../../storage/open.ts';
import { announce } from '../shared/announce.ts';
import { tokenToSend } from '../shared/hub-token.ts';
import { hub } from '../shared/hub-worker.ts';
import { problemOf } from '../shared/work.ts';
import { type ModelKind, useModels } from './store.ts';

/** One bay's way to a model on a hub. */
export interface HubVisit {
  address: string;
  state: 'idle' | 'looking' | 'found' | 'downloading';
  model: HubModel | null;
  /** By path; a file that has not begun is not in here. */
  files: Record<string, TransferProgress>;
  last: TransferProgress | null;
  cancelling: boolean;
  problem: string | null;
}

const fresh: HubVisit = {
  address: '',
  state: 'idle',
  model: null,
  files: {},
  last: null,
  cancelling: false,
  problem: null,
};

interface HubState {
  visits: Record<ModelKind, HubVisit>;
  write(kind: ModelKind, address: string): void;
  find(kind: ModelKind): Promise<void>;
  download(kind: ModelKind): Promise<void>;
  cancel(kind: ModelKind): Promise<void>;
}

export const useHub = create<HubState>()((set, get) => {
  function change(kind: ModelKind, values: Partial<HubVisit>) {
    set(({ visits }) => ({ visits: { ...visits, [kind]: { ...visits[kind], ...values } } }));
  }

  return {
    visits: { encoder: fresh, teacher: fresh },

    write: (kind, address) => change(kind, { ...fresh, address }),

    async find(kind) {
      change(kind, { state: 'looking', problem: null, model: null, files: {}, last: null });
      try {
        const model = await hub().find(get().visits[kind].address, kind, tokenToSend());
        change(kind, { state: 'found', model });
      } catch (error) {
        change(kind, { state: 'idle', problem: problemOf(error) });
      }
    },

    async download(kind) {
      const { model } = get().visits[kind];
      if (!model) return;
      change(kind, { state: 'downloading', problem: null, cancelling: false });
      // Downloads are worth keeping; workers cannot ask the browser for this.
      void persist();
      try {
        await hub().download(model, tokenToSend(), (progress) => {
          change(kind, {
            files: { ...get().visits[kind].files, [progress.path]: progress },
            last: progress,
          });
        });
      } catch (error) {
        const cancelled = get().visits[kind].cancelling;
        change(kind, { state: 'found', cancelling: false, problem: cancelled ? null : problemOf(error) });
        announce(cancelled ? 'Download cancelled. What has arrived is kept' : 'The download failed');
        return;
      }
      change(kind, fresh);
      const { repository, files } = model.listing;
      const chosen = files.filter(({ path }) => model.chosen.includes(path));
      await useModels.getState().load(kind, { kind: 'hub', repository, files: chosen });
    },

    async cancel(kind) {
      change(kind, { cancelling: true });
      await hub().cancel();
    },
  };
});
