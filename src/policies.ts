// Every policy there is, imported for effect: each adds its actions to the one table in platform/access.ts.
// An action whose policy is not listed here is denied to everyone.
import './modules/audit/audit-event.policy.ts'
import './modules/accounts/users/user.policy.ts'
import './modules/accounts/administration/administration.policy.ts'
import './modules/accounts/organizations/organization.policy.ts'
import './modules/accounts/memberships/membership.policy.ts'
import './modules/accounts/invitations/invitation.policy.ts'
import './modules/accounts/agents/agent.policy.ts'
import './modules/projects/project.policy.ts'
import './modules/ocean/pages/page.policy.ts'
import './modules/ocean/blocks/block.policy.ts'
import './modules/chat/sessions/chat-session.policy.ts'
