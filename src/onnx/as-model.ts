import type { Model, TypedGraph } from './model.ts';

/** IR version that goes with operator set 21 (ONNX 1.16). */
const irVersion = 10;

/** Wraps a typed graph as a model that any ONNX runtime loads. */
export function asModel(graph: TypedGraph, metadata: ReadonlyMap<string, string> = new Map()): Model {
  const domains = new Set(graph.nodes.map((node) => node.domain).filter((domain) => domain !== ''));
  return {
    irVersion,
    opsets: new Map([['', graph.opset], ...[...domains].map((domain) => [domain, 1] as const)]),
    producer: { name: 'acuity', version: '' },
    metadata: new Map(metadata),
    graph,
    functions: [],
  };
}
