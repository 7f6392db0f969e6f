import { readdirSync } from 'node:fs'

// npm run bench -- NAME: runs one measurement of this folder. Each prints JSON as its last line.
const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.slice(0, -'.bench.ts'.length))
const name = process.argv[2]

if (name === undefined || !names.includes(name)) {
  process.stdout.write(`Which one? npm run bench -- NAME\n${names.map((known) => `  ${known}\n`).join('')}`)
  process.exitCode = name === undefined ? 0 : 64
} else {
  await import(`./${name}.bench.ts`)
}
