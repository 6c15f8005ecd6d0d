import { wrap } from 'comlink';
import type { Loader } from './loader.worker.ts';
import './protocol.ts';

const worker = new Worker(new URL('./loader.worker.ts', import.meta.url), { type: 'module' });
const loader = wrap<Loader>(worker);
const chosen = () => document.querySelector('input')!.files![0]!;

window.keepFile = () => loader.keep(chosen());
window.loadFile = ({ place, way }) => loader.load(place === 'OPFS' ? null : chosen(), way);
