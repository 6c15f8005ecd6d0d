// Finds the Chromium that the demo and the browser tests drive: an installed Chrome or Chromium, else Playwright's
// own, else Debian's `chromium` package when running as root. Plain JavaScript: the first command of a fresh clone
// runs it before anything is installed.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import process from 'node:process';

/** Flags under which Chromium offers WebGPU without a display; the software adapter where there is no GPU. */
export const browserArguments = [
  '--enable-unsafe-webgpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
];

const named = ['google-chrome-stable', 'google-chrome', 'chromium', 'chromium-browser', 'chrome'];
const fixed = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe',
];

/** Path of an installed Chrome or Chromium; undefined lets Playwright use its own. */
export function findBrowser() {
  if (process.env.ACUITY_BROWSER) return process.env.ACUITY_BROWSER;
  const folders = (process.env.PATH ?? '').split(process.platform === 'win32' ? ';' : ':');
  const onPath = named.flatMap((name) => folders.map((folder) => join(folder, name)));
  return [...onPath, ...fixed].find((path) => existsSync(path));
}

/** Whether Playwright's own Chromium is already on this machine. */
function hasPlaywrightBrowser() {
  try {
    return existsSync(createRequire(import.meta.url)('playwright-core').chromium.executablePath());
  } catch {
    return false;
  }
}

/**
 * Makes sure that a browser is there. Progress goes to standard error.
 * @param {(line: string) => void} say
 */
export function ensureBrowser(say) {
  if (findBrowser() !== undefined || hasPlaywrightBrowser()) return;
  say("no Chrome or Chromium found: installing Playwright's");
  const manifest = createRequire(import.meta.url).resolve('playwright-core/package.json');
  const cli = join(dirname(manifest), 'cli.js');
  const quiet = { stdio: ['ignore', 2, 2] };
  spawnSync(process.execPath, [cli, 'install', 'chromium'], { ...quiet, timeout: 300_000 });
  if (hasPlaywrightBrowser()) return;
  if (process.getuid?.() === 0 && process.platform === 'linux') {
    say("not to be had: installing the distribution's chromium");
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    spawnSync('apt-get', ['update'], { ...quiet, env });
    spawnSync('apt-get', ['install', '-y', '--no-install-recommends', 'chromium'], { ...quiet, env });
  }
  if (findBrowser() === undefined) {
    throw new Error('No browser: install Google Chrome or Chromium, or set ACUITY_BROWSER to its path');
  }
}
