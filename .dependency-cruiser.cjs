// The rooms of the design and the one direction in which they may import each other.
const only = (room, allowed) => ({
  name: `${room}-imports-${allowed.join('-') || 'nothing'}`,
  severity: 'error',
  from: { path: `^src/${room}/`, pathNot: '\\.test\\.ts$' },
  to: { path: '^(src|bench|test)/', pathNot: `^src/(${[room, ...allowed].join('|')})/` },
});

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    only('types', []),
    only('plan', ['types']),
    only('storage', ['types']),
    only('exchange', ['types']),
    only('engine', ['types', 'plan']),
    only('segment', ['types', 'plan', 'storage', 'exchange', 'engine']),
    only('master', ['types', 'plan', 'storage', 'exchange', 'engine']),
    { name: 'client-speaks-the-wire-only', severity: 'error', from: { path: '^src/client/', pathNot: '\\.test\\.ts$' }, to: { path: '^src/(?!client/|types/)' } },
    { name: 'plan-is-pure', severity: 'error', from: { path: '^src/plan/', pathNot: '\\.test\\.ts$' }, to: { dependencyTypes: ['core'] } },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { extensions: [".ts", ".js"] },
  },
};
