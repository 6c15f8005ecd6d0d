import type { Node, TypedGraph } from '../model.ts';
import { type GraphView, nearly, rewriteNodes } from './rewrite.ts';

/**
 * Joins GELU as exporters spell it out, `0.5 * x * (1 + f(p(x)))`, into Gelu: with f = erf and p(x) = x / sqrt(2) the
 * exact form, with f = tanh and p(x) = sqrt(2 / pi) * (x + 0.044715 x^3) the approximation (Hendrycks and Gimpel,
 * arXiv:1606.08415). The products may be in any order, and p is recognised as a polynomial, however it is computed.
 */
export function fuseGelu(graph: TypedGraph, keep: Iterable<string> = []): TypedGraph {
  return rewriteNodes(graph, keep, (view) => {
    const roots = new Map<Node, Match>();
    for (const node of graph.nodes) plan(node, view, roots);
    return (node) => {
      const match = roots.get(node);
      if (!match) return undefined;
      const attributes = { approximate: { type: 'string', value: match.approximate } } as const;
      return [
        { name: node.name, op: 'Gelu', domain: '', inputs: [match.input], outputs: node.outputs, attributes },
      ];
    };
  });
}

interface Match {
  readonly input: string;
  readonly approximate: string;
}

const inner = Math.sqrt(2 / Math.PI);

const forms: Readonly<Record<string, { approximate: string; polynomial: readonly number[] }>> = {
  Erf: { approximate: 'none', polynomial: [0, Math.SQRT1_2] },
  Tanh: { approximate: 'tanh', polynomial: [0, inner, 0, inner * 0.044715] },
};

function plan(node: Node, view: GraphView, roots: Map<Node, Match>): void {
  const form = node.domain === '' && Object.hasOwn(forms, node.op) ? forms[node.op] : undefined;
  const sum = form && view.soleConsumer(node.outputs[0]!, 'Add');
  if (!form || !sum) return;
  const [a, b] = sum.inputs as [string, string];
  if (!nearly(view.scalar(a === node.outputs[0] ? b : a), 1)) return;
  const product = productAround(sum, view);
  if (!product) return;
  const found = polynomialOf(node.inputs[0]!, product.input, view, 8);
  if (!found || !matches(found, form.polynomial)) return;
  if (view.type(product.root.outputs[0]!)?.shape.join() !== view.type(product.input)?.shape.join()) return;
  roots.set(product.root, { input: product.input, approximate: form.approximate });
}

/** Follows the multiplications of a value until they amount to half of one other value times it. */
function productAround(start: Node, view: GraphView): { root: Node; input: string } | undefined {
  let value = start.outputs[0]!;
  let factor = 1;
  let input: string | undefined;
  for (let step = 0; step < 3; step++) {
    const root = view.soleConsumer(value, 'Mul', 'Div');
    if (!root) return undefined;
    const [a, b] = root.inputs as [string, string];
    if (root.op === 'Div' && a !== value) return undefined;
    const other = a === value ? b : a;
    const term = termOf(other, view);
    factor *= root.op === 'Div' ? 1 / term.factor : term.factor;
    if (term.value !== undefined) {
      if (input !== undefined || root.op === 'Div') return undefined;
      input = term.value;
    }
    value = root.outputs[0]!;
    if (input !== undefined && nearly(factor, 0.5)) return { root, input };
  }
  return undefined;
}

/** A value as a number times another value. */
function termOf(name: string, view: GraphView): { factor: number; value?: string } {
  const constant = view.scalar(name);
  if (constant !== undefined) return { factor: constant };
  const node = view.producer(name, 'Mul', 'Div');
  const [a, b] = node?.inputs ?? [];
  if (!node || a === undefined || b === undefined) return { factor: 1, value: name };
  const right = view.scalar(b);
  if (right !== undefined) return { factor: node.op === 'Mul' ? right : 1 / right, value: a };
  const left = node.op === 'Mul' ? view.scalar(a) : undefined;
  return left === undefined ? { factor: 1, value: name } : { factor: left, value: b };
}

const highestDegree = 3;

/** Coefficients of a value as a polynomial in another, lowest degree first; undefined when it is none of degree 3. */
function polynomialOf(name: string, x: string, view: GraphView, depth: number): number[] | undefined {
  if (name === x) return [0, 1];
  const constant = view.scalar(name);
  if (constant !== undefined) return [constant];
  const node = depth > 0 ? view.producer(name, 'Add', 'Sub', 'Mul', 'Div', 'Pow') : undefined;
  const [p, q] = (node?.inputs ?? []).map((input) => polynomialOf(input, x, view, depth - 1));
  if (!node || !p || !q) return undefined;
  switch (node.op) {
    case 'Add':
      return added(p, q, 1);
    case 'Sub':
      return added(p, q, -1);
    case 'Mul':
      return multiplied(p, q);
    case 'Div':
      return q.length === 1 ? p.map((c) => c / q[0]!) : undefined;
    default:
      return q.length === 1 ? power(p, q[0]!) : undefined;
  }
}

const added = (p: readonly number[], q: readonly number[], sign: number): number[] =>
  Array.from({ length: Math.max(p.length, q.length) }, (_, i) => (p[i] ?? 0) + sign * (q[i] ?? 0));

function multiplied(p: readonly number[], q: readonly number[]): number[] | undefined {
  const result = new Array<number>(p.length + q.length - 1).fill(0);
  for (const [i, a] of p.entries()) for (const [j, b] of q.entries()) result[i + j]! += a * b;
  return result.length <= highestDegree + 1 ? result : undefined;
}

function power(p: readonly number[], exponent: number): number[] | undefined {
  if (!Number.isInteger(exponent) || exponent < 1 || exponent > highestDegree) return undefined;
  let result: number[] | undefined = [...p];
  for (let i = 1; i < exponent && result; i++) result = multiplied(result, p);
  return result;
}

function matches(found: readonly number[], wanted: readonly number[]): boolean {
  const degree = Math.max(found.length, wanted.length);
  return Array.from({ length: degree }, (_, i) => i).every((i) => {
    const [a, b] = [found[i] ?? 0, wanted[i] ?? 0];
    return b === 0 ? Math.abs(a) < 1e-6 : nearly(a, b);
  });
}
