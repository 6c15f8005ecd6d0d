// `npm run demo`: sets up, builds, serves and uses the app in a real browser as a person would: the one click that runs
// the shipped recipe on the built-in models. Compares its change of the score with the published interval
// (docs/demo-results.json). Leaves what it made in `acuity-demo/` and exits non-zero when any step failed or the change
// lies outside.
//
// `npm run validate -- --encoder DIR --teacher DIR --images DIR --benchmark DIR [--steps N] [--batch N] [--out DIR]
// [--headed]` does the same with your own files: docs/validate-on-your-machine.md.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { zeroShotGuard } from './demo-zero-shot.mjs';
import { root, setup } from './setup.mjs';

const began = Date.now();
const timings = {};
const directory = process.env.INIT_CWD ?? process.cwd();
const options = optionsOf(process.argv.slice(2));
/** The shipped recipe on what ships with the app; otherwise the person's own files and settings. */
const shipped = ['encoder', 'teacher', 'images', 'benchmark', 'steps', 'batch', 'seed'].every(
  (name) => options[name] === undefined,
);
const folder = resolve(directory, options.out ?? 'acuity-demo');
/** Largest relative error of the gradient between WebGPU and wasm. */
const agreement = 1e-3;

/** Folders are the caller's; what is not named is built in. */
function optionsOf(args) {
  const folderOption = { type: 'string' };
  try {
    const { values } = parseArgs({
      args,
      options: {
        encoder: folderOption,
        teacher: folderOption,
        images: folderOption,
        benchmark: folderOption,
        out: folderOption,
        steps: { type: 'string' },
        batch: { type: 'string' },
        seed: { type: 'string' },
        headed: { type: 'boolean', default: false },
      },
    });
    return values;
  } catch (error) {
    process.stderr.write(`demo: ${error.message}\n`);
    process.exit(64);
  }
}

async function timed(name, title, work) {
  const from = Date.now();
  process.stderr.write(`${title} ...`);
  try {
    const result = await work();
    timings[name] = (Date.now() - from) / 1000;
    process.stderr.write(` ${timings[name].toFixed(1)} s\n`);
    return result;
  } catch (error) {
    process.stderr.write(' failed\n');
    throw error;
  }
}

/** Unpacks an archive of the app into a folder of files. */
async function unpack(archive, into) {
  const { unzipSync } = await import('fflate');
  for (const [name, bytes] of Object.entries(unzipSync(readFileSync(archive)))) {
    if (name.endsWith('/')) continue;
    mkdirSync(dirname(join(into, name)), { recursive: true });
    writeFileSync(join(into, name), bytes);
  }
}

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

async function main() {
  await timed('setup', 'Setting up', () => setup({ browser: true }));
  const { buildIfStale, serve } = await import('./serve.mjs');
  await timed('build', 'Building the app', async () => buildIfStale(() => {}));
  const { browserArguments, findBrowser } = await import('./browser.mjs');
  const { chromium } = await import('playwright-core');
  const { register } = await import('tsx/esm/api');
  register();
  const { AcuityPage } = await import('../e2e/page.ts');

  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const given = async (name, archive) => {
    if (options[name] !== undefined) return resolve(directory, options[name]);
    const into = join(folder, 'input', name);
    await unpack(join(root, 'public/demo', archive), into);
    return into;
  };
  const images = await given('images', 'images.zip');
  const benchmark = await given('benchmark', 'benchmark.zip');

  const server = await serve(0);
  const executablePath = findBrowser();
  const browser = await chromium.launch({
    args: browserArguments,
    headless: !options.headed,
    ...(executablePath ? { executablePath } : {}),
  });
  try {
    const context = await browser.newContext({
      viewport: { width: 1440, height: 900 },
      acceptDownloads: true,
    });
    const tab = await context.newPage();
    const problems = [];
    tab.on('pageerror', (error) => problems.push(error.message));
    const shot = (name) => tab.screenshot({ path: join(folder, 'screenshots', `${name}.png`) });
    const app = new AcuityPage(tab);

    const ran = shipped
      ? await oneClick(app, server.url, shot)
      : await rooms(app, server.url, shot, { images, benchmark });
    await timed('download', 'Downloading the refined encoder', () => app.download(folder, ran.downloaded));
    await shot('7-checkpoints');
    if (problems.length > 0) throw new Error(`the page reported errors: ${problems.join('; ')}`);
    if (shipped)
      ran.zeroShot = await timed('zeroShot', 'Class zero-shot before and after', async () =>
        zeroShotGuard(folder),
      );
    return { ...ran, browser: browser.version() };
  } finally {
    await browser.close();
    await server.close();
  }
}

/** The first page's one click, then what a person would look at: the pairs, and the check on WebGPU. */
async function oneClick(app, url, shot) {
  const opened = Date.now();
  await app.open(url);
  await shot('1-start');
  const sentence = await timed('refine', 'Loading, refining and judging after one click', async () => {
    await app.tryDemo();
    await app.waitForStep(1);
    timings.firstStep = (Date.now() - opened) / 1000;
    await app.waitForStep(20);
    await shot('2-demo');
    return app.demoSentence();
  });
  await shot('3-judged');
  await app.goTo('Refine');
  await shot('4-refined');
  await app.saveLog(join(folder, 'log.json'));
  await app.goTo('Compare');
  await app.shownComparison();
  await shot('6-compare');
  await app.saveReport(join(folder, 'comparison.json'));
  await timed('webgpu', 'Making three small steps on wasm and on the WebGPU adapter', async () => {
    // This preset embeds no other images first, which a software adapter takes a minute for.
    await app.start({ preset: 'Quick', settings: { Steps: '3', 'Images a pass': '2' } });
    await app.waitForFinish();
    await app.checkOnWebGpu();
  });
  await app.saveLog(join(folder, 'webgpu-log.json'));
  return { sentence, downloaded: `Run 1, step ${readJson(join(folder, 'log.json')).steps.length}` };
}

/** Room by room, with the files and settings that were given. */
async function rooms(app, url, shot, { images, benchmark }) {
  const opened = Date.now();
  await app.open(url);
  await shot('1-start');
  await timed('models', 'Choosing the models', async () => {
    await app.goTo('Models');
    for (const [name, zone] of [
      ['encoder', 'Encoder'],
      ['teacher', 'Teacher'],
    ]) {
      if (options[name] === undefined) await app.chooseBuiltIn(name);
      else {
        await app.dropFolder(zone, resolve(directory, options[name]));
        await app.waitForWork();
      }
    }
  });
  await shot('2-models');
  await timed('images', 'Dropping the folders of images and of the benchmark', async () => {
    await app.goTo('Images');
    await app.dropFolder('Images', images);
    await app.waitForWork();
    await app.dropFolder('Benchmark', benchmark);
    await app.waitForWork();
  });
  await shot('3-images');
  await timed('refine', 'Refining', async () => {
    const settings = {
      Steps: options.steps ?? '120',
      // Two images a step keep the check on a software adapter, which is slow, within a minute or so.
      'Images a pass': options.batch ?? '2',
      ...(options.seed ? { Seed: options.seed } : {}),
    };
    await app.start({ preset: 'Quick', settings });
    await app.waitForStep(1);
    timings.firstStep = (Date.now() - opened) / 1000;
    await app.waitForStep(Math.ceil((await app.shownRun()).steps / 2));
    await shot('4-refine');
    await app.waitForFinish();
  });
  await timed('webgpu', 'Making the first three steps again on the WebGPU adapter', () =>
    app.checkOnWebGpu(),
  );
  await shot('5-refined');
  await app.saveLog(join(folder, 'log.json'));
  await timed('compare', 'Scoring before and after', () => app.compareWithOriginal());
  await shot('6-compare');
  await app.saveReport(join(folder, 'comparison.json'));
  return {};
}

/** Writes report.json from what the page let us save, and returns it. */
function writeReport({ browser, sentence, zeroShot }) {
  const log = readJson(join(folder, 'log.json'));
  const comparison = readJson(join(folder, 'comparison.json'));
  // The check made its steps again on WebGPU: the same work on both, in the same browser.
  const checked = shipped ? readJson(join(folder, 'webgpu-log.json')) : log;
  const check = checked.webGpuCheck;
  const scores = ({ total, patterns }) => ({
    total,
    patterns: Object.fromEntries(patterns.map(({ name, score }) => [name, score])),
  });
  const packages = readJson(join(root, 'package.json'));
  timings.total = (Date.now() - began) / 1000;
  timings.refining = log.steps.reduce((sum, { ms }) => sum + ms, 0) / 1000;
  timings.msPerStep = median(log.steps.slice(1).map(({ ms }) => ms));
  timings.checkedMsPerStep = median(checked.steps.slice(1).map(({ ms }) => ms));
  timings.webgpuMsPerStep = median(check.ms.slice(1));
  const report = {
    config: log.config,
    seed: log.config.seed,
    adapter: log.hardware.adapter?.description ?? null,
    provider: log.provider,
    versions: {
      acuity: packages.version,
      'onnxruntime-web': packages.dependencies['onnxruntime-web'],
      browser,
      node: process.versions.node,
    },
    loss: log.steps.map(({ loss }) => loss),
    before: scores(comparison.before),
    after: scores(comparison.after),
    webgpu: {
      loss: check.loss,
      wasmLoss: check.wasmLoss,
      gradientRelativeError: check.gradientRelativeError,
      dispatches: check.dispatches,
    },
    timings,
    ...(shipped ? { sentence, zeroShot, published: published(comparison) } : {}),
  };
  writeFileSync(join(folder, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
  return report;
}

/** This run's change of the score against the published interval. */
function published({ before, after }) {
  const { claim, interval, seeds } = readJson(join(root, 'docs/demo-results.json'));
  const change = after.total - before.total;
  return {
    claim,
    interval,
    seeds: seeds.length,
    change,
    inside: change >= interval[0] && change <= interval[1],
  };
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? null;

const mean = (values) => (values.reduce((a, b) => a + b, 0) / values.length).toFixed(4);

function table(report) {
  const names = Object.keys(report.before.patterns);
  const width = Math.max(...names.map((name) => name.length), 'The same step, wasm and WebGPU'.length);
  const row = (name, a, b) => `${name.padEnd(width)}  ${a.padStart(8)}  ${b.padStart(8)}\n`;
  const points = (value) => value.toFixed(1);
  let text = row('MMVP', 'before', 'after');
  for (const name of names)
    text += row(name, points(report.before.patterns[name]), points(report.after.patterns[name]));
  text += row('Total', points(report.before.total), points(report.after.total));
  const { loss, webgpu } = report;
  // Every step draws its own noise and timesteps: single losses say little.
  const tenth = Math.max(1, Math.floor(loss.length / 10));
  text += row('Loss, first and last tenth', mean(loss.slice(0, tenth)), mean(loss.slice(-tenth)));
  text += row(
    'WebGPU gradient against wasm',
    webgpu.gradientRelativeError.toExponential(1),
    `< ${agreement}`,
  );
  const { checkedMsPerStep, webgpuMsPerStep } = report.timings;
  const ms = (value) => `${value.toFixed(0)} ms`;
  text += row('The same step, wasm and WebGPU', ms(checkedMsPerStep), ms(webgpuMsPerStep));
  if (report.zeroShot) {
    const { before, after, images } = report.zeroShot;
    text += row(`Class zero-shot, ${images} pictures`, points(before), points(after));
  }
  text += row('Seconds of refining alone', '', report.timings.refining.toFixed(0));
  text += row('Seconds', '', report.timings.total.toFixed(0));
  if (report.published) {
    const { change, interval, inside, claim, seeds } = report.published;
    const range = `${points(interval[0])} to ${points(interval[1])}`;
    text += `\nChange ${points(change)} points: ${inside ? 'inside' : 'OUTSIDE'} the published 95% interval, ${range} (${seeds} seeds; claim: ${claim}).\n`;
    text += `${report.sentence}\n`;
  }
  return text;
}

try {
  const report = writeReport(await main());
  process.stdout.write(`\n${table(report)}\nEverything is in ${folder}\n`);
  if (!(report.webgpu.gradientRelativeError <= agreement)) {
    throw new Error(
      `the gradient on WebGPU differs by ${report.webgpu.gradientRelativeError}, more than ${agreement}`,
    );
  }
  if (report.published && !report.published.inside) {
    throw new Error('the change of the score lies outside the published interval');
  }
  if (!report.loss.every(Number.isFinite)) throw new Error('a loss is not finite');
} catch (error) {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
process.exit(0);
