// `npm test`: sets up on first use, then lint, types, unit tests and browser tests. Ends on one line of counts.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { root, setup } from './setup.mjs';

try {
  await setup({ browser: true });
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.stdout.write('0 passed, 1 failed\n');
  process.exit(1);
}

const bin = (name) => join(root, 'node_modules', '.bin', process.platform === 'win32' ? `${name}.cmd` : name);
const results = join(root, 'test-results');
rmSync(results, { recursive: true, force: true });
mkdirSync(results, { recursive: true });

let passed = 0;
let failed = 0;
const started = Date.now();

function run(title, command, args) {
  const from = Date.now();
  process.stderr.write(`\n== ${title}\n`);
  const { status } = spawnSync(bin(command), args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    env: { ...process.env, CI: 'true' },
  });
  process.stderr.write(
    `== ${title}: ${status === 0 ? 'ok' : 'FAILED'} in ${((Date.now() - from) / 1000).toFixed(0)} s\n`,
  );
  return status === 0;
}

/** A tool without counts of its own is one test. */
function check(title, command, args) {
  if (run(title, command, args)) passed++;
  else failed++;
}

/** A runner that writes a report; one that died before writing it counts as a failure. */
function suite(title, command, args, report, read) {
  const ok = run(title, command, args);
  const path = join(results, report);
  const counts = existsSync(path) ? read(JSON.parse(readFileSync(path, 'utf8'))) : { passed: 0, failed: 1 };
  passed += counts.passed;
  failed += counts.failed + (!ok && counts.failed === 0 ? 1 : 0);
}

check('format and lint (biome)', 'biome', ['check', '.']);
check('floors (dependency-cruiser)', 'depcruise', [
  '--config',
  '.dependency-cruiser.cjs',
  'src',
  'workers',
  'cli',
]);
check('dead code (knip)', 'knip', []);
check('types (tsc)', 'tsc', ['--noEmit']);
suite(
  'unit tests (vitest)',
  'vitest',
  ['run', '--reporter=default', '--reporter=json', '--outputFile=test-results/unit.json'],
  'unit.json',
  (r) => ({
    passed: r.numPassedTests,
    failed: r.numFailedTests + r.numFailedTestSuites * (r.numFailedTests === 0 ? 1 : 0),
  }),
);
check('build (vite)', 'vite', ['build', '--logLevel', 'error']);
suite('browser tests (playwright)', 'playwright', ['test'], 'e2e.json', (r) => ({
  passed: r.stats.expected + r.stats.flaky,
  failed: r.stats.unexpected,
}));

process.stderr.write(`\ntook ${((Date.now() - started) / 1000).toFixed(0)} s\n`);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exit(failed === 0 ? 0 : 1);
