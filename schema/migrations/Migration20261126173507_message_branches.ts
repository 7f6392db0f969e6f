import { Migration } from '@mikro-orm/migrations';

export class Migration20261126173507_message_branches extends Migration {

  override name = 'Migration20261126173507_message_branches';

  override up(): void | Promise<void> {
    this.addSql(`alter table "message" add "parent_id" uuid null, add "branch_id" uuid null;`);
    // What was said so far is one branch a session.
    this.addSql(`update "message" set "parent_id" = "placed"."parent_id", "branch_id" = "placed"."branch_id" from (select "id", lag("id") over "session" as "parent_id", first_value("id") over "session" as "branch_id" from "message" window "session" as (partition by "session_id" order by "id")) as "placed" where "placed"."id" = "message"."id";`);
    this.addSql(`alter table "message" alter column "branch_id" set not null;`);
    this.addSql(`create index "message_session_id_parent_id_index" on "message" ("session_id", "parent_id");`);
    this.addSql(`create index "message_branch_id_id_index" on "message" ("branch_id", "id");`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop index "message_session_id_parent_id_index";`);
    this.addSql(`drop index "message_branch_id_id_index";`);
    this.addSql(`alter table "message" drop column "parent_id", drop column "branch_id";`);
  }

}
