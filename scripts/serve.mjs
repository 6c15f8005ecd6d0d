// Builds the app when its sources are newer than the build, and serves it with the shipped headers.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { root } from './setup.mjs';

/** Newest modification time under a file or folder, milliseconds. */
function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

export function buildIfStale(say) {
  const built = join(root, 'dist', 'index.html');
  const sources = [
    'index.html',
    'vite.config.ts',
    'package-lock.json',
    'src',
    'workers',
    'public',
    'scripts',
  ];
  if (existsSync(built) && statSync(built).mtimeMs >= Math.max(...sources.map((s) => newest(join(root, s)))))
    return;
  say('building the app');
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
  const { status } = spawnSync(process.execPath, [vite, 'build', '--logLevel', 'error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) throw new Error('the build failed: see the lines above');
}

/** Serves the built app; returns its address and a function that ends it. `port` 0 takes any free one. */
export async function serve(port) {
  const { preview } = await import('vite');
  const server = await preview({ root, logLevel: 'error', preview: { port } });
  const url = server.resolvedUrls?.local[0];
  if (!url) throw new Error('the server has no address');
  return { url, close: () => server.close() };
}
