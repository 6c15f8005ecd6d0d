import { ruleNotes } from '../src/autodiff/rules/notes.ts';
import { undifferentiable, undifferentiableReason } from '../src/autodiff/rules/undifferentiable.ts';
import { emittedByOperator } from '../src/autodiff/testing/samples.ts';
import {
  emittedOperators,
  forwardOperators,
  type WebGpuOperator,
  webgpuOperators,
} from '../src/autodiff/webgpu-operators.ts';

/** The text of docs/operators.md, from the tables that the code itself works by. */
export function operatorDocs(): string {
  const emitted = emittedByOperator();
  const rules = Object.entries(ruleNotes).map(([op, { inputs, note }]) => [
    code(op),
    inputs,
    [...(emitted.get(op) ?? [])].sort().map(code).join(' ') || 'nothing: the gradient is handed on',
    Object.hasOwn(webgpuOperators, op) ? 'yes' : 'no',
    note ?? '',
  ]);
  return `# Operators

This page is written by \`scripts/write-operator-docs.ts\` from the tables in \`src/autodiff\`; a test fails when the
two differ. Operators are those of ONNX operator set 21, to which every graph is brought before it is differentiated
(\`Swish\` and \`RMSNormalization\` are younger).

Every rule is compared with central differences of onnxruntime's CPU provider at random shapes, broadcasts and
attributes (\`src/autodiff/rules/differences.test.ts\`) and with PyTorch's autograd in float64
(\`src/autodiff/rules/pytorch.test.ts\`), and its nodes are run on WebGPU in a browser with the CPU fallback forbidden
(\`e2e/operators.spec.ts\`).

## Operators with a derivative

"On the GPU" tells whether the operator itself, in the forward pass, has a kernel in the WebGPU provider of
onnxruntime-web 1.30. What its rule writes always has.

${table(['Operator', 'Differentiable inputs', 'Backward nodes', 'On the GPU', 'Notes'], rules)}

## Operators refused

Through these no useful gradient passes. A path from the loss to a target across one of them is an error that names
the node: a zero gradient would hide a mistake. An operator in neither table is refused the same way.

${table(
  ['Operator', 'Reason'],
  Object.keys(undifferentiable).map((op) => [code(op), undifferentiableReason]),
)}

## Operators that rules write

All of them run on the WebGPU provider, within these limits.

${table(['Operator', 'Limits'], limits(emittedOperators))}

## Further operators that run on the GPU

Graphs may also hold these without leaving the GPU.

${table(['Operator', 'Limits'], limits(forwardOperators))}

## Types

Data is float32, float16 (where the adapter has \`shader-f16\`), int32, uint32 or bool. int64 is taken as indices, axes
and shapes, and given as a result, but no kernel computes with it or copies it; bool is compared, combined, chosen by
and cast, reshaped and expanded, but not transposed or sliced. float64 and bfloat16 have no kernels.
`;
}

const code = (op: string): string => `\`${op}\``;

const limits = (operators: Readonly<Record<string, WebGpuOperator>>): string[][] =>
  Object.entries(operators)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([op, { note }]) => [code(op), note ?? '']);

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`.replaceAll(/ +/g, ' ');
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
