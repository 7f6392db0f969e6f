import { globSync } from 'node:fs'
import { basename } from 'node:path'
import { expect, test } from 'vitest'
import { schema } from '../../src/schema.ts'
import { gateCalls } from '../mutants/calls.ts'
import { places } from '../mutants/gates.ts'
import { mutants } from '../mutants/list.ts'
import { type Mutant, mutated, StaleMutant, staleness } from '../mutants/mutation.ts'
import { nodeTypesOf, rootFieldsOf } from './walk.ts'

// `npm run test:mutants` runs the mutants; that the list follows the sources is looked at here.

const coordinates = rootFieldsOf(schema).map(({ coordinate }) => coordinate)

test('what each mutant changes is still in the sources', () => {
  expect(mutants.flatMap((mutant) => staleness(mutant).map((fault) => `${mutant.name}: ${fault}`))).toEqual([])
})

test('each mutant has a name of its own', () => {
  const names = mutants.map(({ name }) => name)
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
})

test('whatever is to notice a mutant exists', () => {
  const missing = ({ killers }: Mutant) =>
    'files' in killers
      ? killers.files.filter((file) => globSync(file).length === 0)
      : killers.through.filter((coordinate) => !coordinates.includes(coordinate))
  expect(mutants.flatMap((mutant) => missing(mutant).map((one) => `${mutant.name}: ${one}`))).toEqual([])
})

test('every type with an id of its own, and every noun with a policy, has a mutant', () => {
  const policies = globSync('src/modules/**/*.policy.ts').map((file) => basename(file, '.policy.ts'))
  // People, as administrators of the platform manage them.
  const nounOf: Record<string, string> = { administration: 'User' }
  const typed = policies.map(
    (name) => nounOf[name] ?? name.replace(/(^|-)(\w)/g, (_all, _dash, letter) => letter.toUpperCase()),
  )
  const nouns = new Set([...nodeTypesOf(schema), ...typed])
  expect([...nouns].filter((noun) => !mutants.some(({ name }) => name.startsWith(`${noun}: `)))).toEqual([])
})

test('every call of a gate is switched off by a mutant, and no other is named', () => {
  const keys = gateCalls().map(({ key }) => key)
  expect(keys.length).toBeGreaterThan(50)
  expect(Object.keys(places).toSorted()).toEqual(keys.toSorted())
})

test('a text that is gone from the source, or there twice, is no mutant', () => {
  const edit = { file: 'a.ts', find: 'may(', put: 'mayNot(' }
  expect(mutated('a.ts', 'if (may(x)) y()', [edit])).toBe('if (mayNot(x)) y()')
  expect(mutated('b.ts', 'if (may(x)) y()', [edit])).toBe('if (may(x)) y()')
  expect(() => mutated('a.ts', 'y()', [edit])).toThrow(StaleMutant)
  expect(() => mutated('a.ts', 'may(x); may(y)', [edit])).toThrow(StaleMutant)
})
