import { builder } from '../../../graphql/builder.ts'
import { findOrganization, type OrganizationRow } from './organization.reads.ts'

/** A tenant. */
export const OrganizationType = builder.node(builder.objectRef<OrganizationRow>('Organization'), {
  description: 'A workspace: the wall around projects, pages and people. Everyone has a personal one.',
  authScopes: { authenticated: true },
  id: { description: 'Opaque, typed and sortable: `organization_01jd…`.', resolve: (organization) => organization.id },
  loadOne: (id, ctx) => findOrganization(ctx, id),
  fields: (t) => ({
    name: t.exposeString('name', { description: 'The name to show.' }),
    slug: t.exposeString('slug', { description: 'Unique among all organizations, for addresses.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was founded.' }),
  }),
})
