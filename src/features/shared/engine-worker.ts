import { proxy, type Remote, wrap } from 'comlink';
import type { Engine, Listener } from '../../../workers/protocol.ts';
import { persist } from '../../storage/open.ts';
import { useEngineHealth } from './engine-health.ts';

/** Starts the engine worker and gives its interface, with plain functions as listeners. */
export function connectWorker(): Engine {
  const worker = new Worker(new URL('../../../workers/engine.worker.ts', import.meta.url), {
    type: 'module',
    name: 'acuity-engine',
  });
  worker.addEventListener('error', (event) => {
    // A worker that fails to start would leave every call unanswered.
    useEngineHealth.getState().report(event.message || 'the engine worker could not be started');
  });
  worker.addEventListener('messageerror', () => {
    useEngineHealth.getState().report('a message between the page and the engine could not be read');
  });
  return withListeners(wrap<Engine>(worker));
}

function listen<T>(listener: Listener<T> | undefined): Listener<T> | undefined {
  return listener && proxy(listener);
}

/** Functions cannot be cloned into a worker: each listener travels as a comlink proxy. */
function withListeners(remote: Remote<Engine>): Engine {
  return {
    hardware: (force) => remote.hardware(force),
    loadEncoder: (files, progress) => remote.loadEncoder(files, listen(progress)),
    loadTeacher: (files, progress) => remote.loadTeacher(files, listen(progress)),
    addImages: (name, files, progress) => remote.addImages(name, files, listen(progress)),
    addBenchmark: (name, files) => remote.addBenchmark(name, files),
    inventory: () => remote.inventory(),
    listImageSets: () => remote.listImageSets(),
    listRuns: () => remote.listRuns(),
    listCheckpoints: () => remote.listCheckpoints(),
    listReports: () => remote.listReports(),
    file: (owner, path) => remote.file(owner, path),
    thumbnail: (set, path, edge) => remote.thumbnail(set, path, edge),
    imagePaths: (owner) => remote.imagePaths(owner),
    findDuplicates: (set, progress) => remote.findDuplicates(set, listen(progress)),
    splitImages: (set, split, progress) => remote.splitImages(set, split, listen(progress)),
    planRun: (request) => remote.planRun(request),
    startRun: (request, listener) => {
      // From here on there is something to lose; workers cannot ask the browser for this.
      void persist();
      return remote.startRun(request, proxy(listener));
    },
    resumeRun: (run, listener) => remote.resumeRun(run, proxy(listener)),
    pauseRun: (run) => remote.pauseRun(run),
    stopRun: (run) => remote.stopRun(run),
    deleteRun: (run) => remote.deleteRun(run),
    score: (weights, benchmark, progress) => remote.score(weights, benchmark, listen(progress)),
    compare: (before, after, benchmark) => remote.compare(before, after, benchmark),
    cancel: (work) => remote.cancel(work),
    addEvaluationSet: (task, name, files, progress) =>
      remote.addEvaluationSet(task, name, files, listen(progress)),
    listEvaluationSets: () => remote.listEvaluationSets(),
    evaluate: (request, progress) => remote.evaluate(request, listen(progress)),
    listEvaluations: () => remote.listEvaluations(),
    compareEvaluations: (baseline, others) => remote.compareEvaluations(baseline, others),
    loadSecondEncoder: (files, progress) => remote.loadSecondEncoder(files, listen(progress)),
    findBlindPairs: (search, progress) => remote.findBlindPairs(search, listen(progress)),
    patchView: (weights, owner, path) => remote.patchView(weights, owner, path),
    phrase: (weights, text) => remote.phrase(weights, text),
    deleteEvaluation: (id) => remote.deleteEvaluation(id),
    exportEncoder: (weights) => remote.exportEncoder(weights),
    exportTrainingGraph: (request) => remote.exportTrainingGraph(request),
    deleteCheckpoint: (id) => remote.deleteCheckpoint(id),
    checkOnWebGpu: (run, steps, progress) => remote.checkOnWebGpu(run, steps, listen(progress)),
  };
}
