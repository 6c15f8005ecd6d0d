import type { NamedBlob } from '../../../workers/protocol.ts';

export async function filesFromDataTransfer(transfer: DataTransfer): Promise<NamedBlob[]> {
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  return (await Promise.all(entries.map((entry) => walk(entry, '')))).flat();
}
async function walk(entry: FileSystemEntry, prefix: string): Promise<NamedBlob[]> {
  const path = `${prefix}${entry.name}`;
  if (entry.isFile) {
    const blob = await new Promise<File>((ok, no) => (entry as FileSystemFileEntry).file(ok, no));
    return [{ path, blob }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const all: NamedBlob[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((ok, no) => reader.readEntries(ok, no));
    if (some.length === 0) return all;
    for (const each of some) all.push(...(await walk(each, `${path}/`)));
  }
}
export function filesFromInput(list: FileList): NamedBlob[] {
  return [...list].map((file) => ({ path: file.webkitRelativePath || file.name, blob: file }));
}
