import { MantineProvider } from '@mantine/core';
import { createRoot } from 'react-dom/client';
import '../../src/app/base.css';
import '../../src/app/tokens.css';
import { ImageGrid } from '../../src/features/images/ImageGrid.tsx';
import '../../src/features/images/images.css';
import { provideEngine } from '../../src/features/shared/engine.ts';
import { createImagePool } from '../../workers/image-workers.ts';
import type { Engine } from '../../workers/protocol.ts';

/** Milliseconds between frames. */
export interface GridFrames {
  median: number;
  p95: number;
  longest: number;
  /** Share of frames that came later than 1.5 times the median of a page that stands still. */
  late: number;
  frames: number;
}

declare global {
  interface Window {
    /** Frames of the page standing still for two seconds. */
    still(): Promise<GridFrames>;
    /** Shows a set of `count` images, each `file` (base64 of a JPEG), and scrolls through it. */
    scrollGrid(count: number, file: string, pixelsPerSecond: number, seconds: number): Promise<GridFrames>;
  }
}

const pool = createImagePool();
let blob = new Blob();
// The grid asks for nothing else.
const engine: Pick<Engine, 'thumbnail'> = {
  async thumbnail(_set, _path, edge) {
    const made = await pool.run((jobs) => jobs.thumbnail(blob, edge));
    if (!made.ok) throw new Error(made.reason);
    return made.value;
  },
};
provideEngine(engine as Engine);
const root = createRoot(document.getElementById('root')!);

function statistics(times: number[], usual: number): GridFrames {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  const late = times.filter((time) => time > 1.5 * usual).length / times.length;
  return { median: at(0.5), p95: at(0.95), longest: at(1), late, frames: times.length };
}

/** Calls before each frame, with seconds since the first, until that many have passed. */
async function frames(seconds: number, before: (at: number) => void): Promise<number[]> {
  const times: number[] = [];
  let last = await new Promise<number>(requestAnimationFrame);
  const started = last;
  while (last - started < 1000 * seconds) {
    before((last - started) / 1000);
    const now = await new Promise<number>(requestAnimationFrame);
    times.push(now - last);
    last = now;
  }
  return times;
}

let usual = 1000 / 60;

window.still = async () => {
  const times = await frames(2, () => {});
  usual = statistics(times, usual).median;
  return statistics(times, usual);
};

window.scrollGrid = async (count, file, pixelsPerSecond, seconds) => {
  blob = new Blob([Uint8Array.from(atob(file), (c) => c.charCodeAt(0))]);
  const paths = Array.from({ length: count }, (_, i) => `set/${Math.floor(i / 1000)}/${i}.jpg`);
  const owner = `${count} at ${pixelsPerSecond}`;
  root.render(
    <MantineProvider>
      <ImageGrid owner={owner} name={owner} paths={paths} />
    </MantineProvider>,
  );
  while (!document.querySelector('.image-grid img')) await new Promise((ready) => setTimeout(ready, 50));
  const grid = document.querySelector('.image-grid')!;
  return statistics(
    await frames(seconds, (at) => {
      grid.scrollTop = at * pixelsPerSecond;
    }),
    usual,
  );
};
