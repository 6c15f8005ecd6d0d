/** What the page and the hub worker say to each other (through comlink). */
import type { NamedBlob } from '../src/data/named-blob.ts';
import type { HubListing } from '../src/storage/hub.ts';
import type { TransferProgress } from '../src/storage/transfer-progress.ts';

export type { HubListing, TransferProgress };

/** Name of the storage that holds downloads; the engine reads them there. */
export const hubStorage = 'acuity-hub';

/** A model or data set found on a hub, and which of its files Acuity needs. */
export interface HubModel {
  hub: string;
  listing: HubListing;
  /** Paths. */
  chosen: string[];
}

export interface HubDownloads {
  /** Looks a model up: `owner/name` or an address. Without a network, as it was last time. */
  find(address: string, kind: 'encoder' | 'teacher', token: string | null): Promise<HubModel>;
  /** Brings the chosen files here; those that are here already are not asked for again. */
  download(
    model: HubModel,
    token: string | null,
    onProgress: (progress: TransferProgress) => void,
  ): Promise<void>;
  /** Looks up a data set of image files or archives: `owner/name` or an address, also of a folder in it. */
  findImages(address: string, token: string | null): Promise<HubModel>;
  /** Brings its chosen files here and gives them, by their paths in the repository. */
  downloadImages(
    set: HubModel,
    token: string | null,
    onProgress: (progress: TransferProgress) => void,
  ): Promise<NamedBlob[]>;
  /** Gives the room of a data set's files back, once they are kept elsewhere. */
  removeImages(set: HubModel): Promise<void>;
  /** Ends the download in hand; what has arrived is kept. */
  cancel(): Promise<void>;
}
