import { readdirSync, readFileSync } from 'node:fs';
import process from 'node:process';

type Role = 'gpu-process' | 'renderer';

/** Bytes that the processes of a role below this one hold of their own: resident, not backed by files. Linux only. */
export function memoryOf(role: Role): number {
  let bytes = 0;
  for (const id of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (!readFileSync(`/proc/${id}/cmdline`, 'utf8').includes(`--type=${role}`) || !isBelow(id)) continue;
      const status = readFileSync(`/proc/${id}/status`, 'utf8');
      for (const kind of ['RssAnon', 'RssShmem'])
        bytes += 1024 * Number(new RegExp(`${kind}:\\s+(\\d+)`).exec(status)?.[1] ?? 0);
    } catch {
      // It ended while it was looked at.
    }
  }
  return bytes;
}

function isBelow(id: string): boolean {
  for (let at = id; Number(at) > 1; ) {
    if (Number(at) === process.pid) return true;
    at = /PPid:\s+(\d+)/.exec(readFileSync(`/proc/${at}/status`, 'utf8'))![1]!;
  }
  return false;
}

/** Looks at both roles every few milliseconds; {@link MemoryWatch.stop} tells the most above where they began. */
export class MemoryWatch {
  readonly #roles = ['gpu-process', 'renderer'] as const;
  readonly #idle = new Map(this.#roles.map((role) => [role, memoryOf(role)]));
  readonly #peak = new Map(this.#idle);
  readonly #timer = setInterval(() => this.#look(), 20);

  #look(): void {
    for (const role of this.#roles) this.#peak.set(role, Math.max(this.#peak.get(role)!, memoryOf(role)));
  }

  stop(): Record<Role, { idle: number; above: number }> {
    this.#look();
    clearInterval(this.#timer);
    const of = (role: Role) => ({
      idle: this.#idle.get(role)!,
      above: this.#peak.get(role)! - this.#idle.get(role)!,
    });
    return { 'gpu-process': of('gpu-process'), renderer: of('renderer') };
  }
}
