/** The engine worker: the one owner of the GPU device, every session and the optimisers. */
import { expose } from 'comlink';
import { EngineService } from './engine/service.ts';

expose(new EngineService());
