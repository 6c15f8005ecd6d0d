import { createStore, get, set } from 'idb-keyval';
import type { NamedBlob } from '../../../workers/protocol.ts';
import { filesFromDirectory, type WalkOptions } from '../../data/sources.ts';

/** The folder that was picked last, kept with the browser so that it can be read again without looking for it. */
export interface KeptFolder {
  name: string;
  /**
   * Reads it again. The browser may ask the person for leave, which it does only within a click.
   *
   * @throws Error that says what to do, when leave is refused or the folder is gone
   */
  read(options?: WalkOptions): Promise<NamedBlob[]>;
}

const key = 'images';
const store = () => createStore('acuity-folders', 'handles');

/** Undefined where none was kept, or the browser keeps none. */
export async function keptFolder(): Promise<KeptFolder | undefined> {
  if (!canPickFolders()) return undefined;
  // Private windows keep nothing: then there is no such folder, which is no fault.
  const handle = await get<unknown>(key, store()).catch(() => undefined);
  return handle instanceof FileSystemDirectoryHandle ? folderOf(handle) : undefined;
}

/** Whether the browser's picker gives folders that it can keep; other browsers have `<input webkitdirectory>`. */
export const canPickFolders = (): boolean => typeof picker() === 'function';

/**
 * Asks for a folder and keeps it for next time.
 *
 * @returns undefined when the person closed the dialog
 */
export async function pickFolder(): Promise<KeptFolder | undefined> {
  let handle: unknown;
  try {
    handle = await Reflect.apply(picker()!, window, [{ id: 'acuity-images', mode: 'read' }]);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return undefined;
    throw error;
  }
  if (!(handle instanceof FileSystemDirectoryHandle)) throw new TypeError('The browser gave no folder');
  await set(key, handle, store()).catch(() => undefined);
  return folderOf(handle);
}

function folderOf(handle: FileSystemDirectoryHandle): KeptFolder {
  return {
    name: handle.name,
    async read(options) {
      if ((await permission(handle, 'queryPermission')) !== 'granted') {
        if ((await permission(handle, 'requestPermission')) !== 'granted') {
          throw new Error(
            `The browser was not given leave to read ${handle.name}. Try again and allow it, or choose the folder anew`,
          );
        }
      }
      try {
        return await filesFromDirectory(handle, options);
      } catch (error) {
        if (error instanceof DOMException && error.name === 'NotFoundError') {
          throw new Error(`${handle.name} is not where it was. Choose the folder anew`);
        }
        throw error;
      }
    },
  };
}

/** Not in TypeScript's own library, since not every browser has them. */
function picker(): ((...given: never[]) => unknown) | undefined {
  const found: unknown = Reflect.get(window, 'showDirectoryPicker');
  return typeof found === 'function' ? (found as (...given: never[]) => unknown) : undefined;
}

async function permission(
  handle: FileSystemDirectoryHandle,
  ask: 'queryPermission' | 'requestPermission',
): Promise<unknown> {
  const method: unknown = Reflect.get(handle, ask);
  return typeof method === 'function' ? Reflect.apply(method, handle, [{ mode: 'read' }]) : 'granted';
}
