// The house's floors. Each floor imports only from floors below it; docs/house.md draws it.
const floors = [
  { name: 'formats-onnx', path: '^src/(onnx|formats)/' },
  { name: 'autodiff', path: '^src/autodiff/' },
  { name: 'foundations', path: '^src/(method|data|text|storage|runtime|models)/' },
  { name: 'jobs', path: '^src/(training|evaluation|exchange)/' },
  { name: 'workers', path: '^workers/' },
  { name: 'rooms', path: '^(src/features|cli)/' },
  { name: 'app', path: '^src/app/' },
];
const upward = floors.flatMap((floor, i) =>
  floors.slice(i + 1).map((above) => ({
    name: `${floor.name}-not-${above.name}`,
    severity: 'error',
    comment: `${floor.name} lies below ${above.name}: imports point one way only`,
    from: { path: floor.path, pathNot: '[.]test[.]tsx?$' },
    to: { path: above.path },
  })),
);
/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...upward,
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'onnx-and-autodiff-are-pure',
      severity: 'error',
      comment: 'src/onnx, src/autodiff and src/formats know no browser runtime, no ORT and no React',
      from: { path: '^src/(onnx|autodiff|formats)/', pathNot: '[.]test[.]tsx?$|/testing/' },
      to: { path: 'node_modules/(onnxruntime|react|@mantine|comlink|zustand|idb-keyval)' },
    },
    {
      name: 'method-holds-no-session',
      severity: 'error',
      comment: 'src/method builds graphs: no session, no GPU',
      from: { path: '^src/method/', pathNot: '[.]test[.]tsx?$' },
      to: { path: '^src/runtime/(session|device|weights)|node_modules/onnxruntime' },
    },
    {
      name: 'no-features-across',
      severity: 'error',
      comment: 'one room of the page reaches into another only through its store',
      from: { path: '^src/features/([^/]+)/' },
      to: { path: '^src/features/([^/]+)/', pathNot: '^src/features/($1|shared)/|/store[.]ts$' },
    },
    {
      name: 'no-unresolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^virtual:' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|public|tools/.*fixtures)' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'browser', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.json'],
    },
  },
};
