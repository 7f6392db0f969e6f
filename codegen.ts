import { writeFile } from 'node:fs/promises'
import { generate } from '@graphql-codegen/cli'
import { printSchema } from 'graphql'
import { schema } from './src/schema.ts'
import { printPermissions } from './test/kit/permissions.ts'

// `npm run codegen`: schema/schema.graphql, schema/permissions.md and the typed documents of test/gql/. Run by Node and
// not by codegen's own command, which would load a second copy of graphql.
const sdl = `${printSchema(schema)}\n`
await writeFile('schema/schema.graphql', sdl)
await writeFile('schema/permissions.md', printPermissions())
await generate(
  {
    schema: sdl,
    documents: ['schema/operations/*.graphql'],
    silent: true,
    importExtension: '.ts',
    generates: {
      'test/gql/': {
        preset: 'client',
        presetConfig: { fragmentMasking: false },
        config: {
          useTypeImports: true,
          enumsAsTypes: true,
          strictScalars: true,
          scalars: {
            ID: 'string',
            DateTime: 'string',
            Cursor: 'string',
            URL: 'string',
            EmailAddress: 'string',
            Permission: 'string',
            JSON: 'unknown',
            Base64: 'string',
            BigInt: 'string',
            BlockContent: 'unknown',
          },
        },
      },
    },
  },
  true,
)
