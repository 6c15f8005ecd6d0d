import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Gives Node the WebGPU of a tab: Dawn, Chromium's implementation, by the bindings of the package `webgpu`. Libraries
 * that look for a browser's globals must be imported afterwards.
 *
 * @param bindings path of the package's `index.js`
 * @returns the adapter in words. Throws when there is none
 */
export async function openDawn(bindings: string): Promise<string> {
  const { create, globals } = (await import(pathToFileURL(resolve(bindings)).href)) as {
    create(flags: readonly string[]): GPU;
    globals: Record<string, unknown>;
  };
  Object.assign(globalThis, globals, { self: globalThis });
  const gpu = create([]);
  Object.defineProperty(globalThis, 'navigator', {
    value: { gpu, hardwareConcurrency: 2, userAgent: 'node', language: 'en' },
    configurable: true,
  });
  Object.defineProperty(globalThis, 'location', {
    value: { href: 'http://127.0.0.1/' },
    configurable: true,
  });
  const info = (await gpu.requestAdapter())?.info;
  if (!info) throw new Error('no WebGPU adapter: check that the Vulkan driver of the card is found');
  return [info.vendor, info.architecture, info.description].filter(Boolean).join(' ');
}
