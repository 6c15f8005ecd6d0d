// `npm start`: the built app served for a person.
import process from 'node:process';
import { setup } from './setup.mjs';

try {
  await setup();
  const { buildIfStale, serve } = await import('./serve.mjs');
  buildIfStale((line) => process.stderr.write(`${line}\n`));
  const { url } = await serve(Number(process.env.PORT ?? 4173));
  process.stdout.write(`Acuity is at ${url}  (Ctrl+C ends it)\n`);
} catch (error) {
  process.stderr.write(`start: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
