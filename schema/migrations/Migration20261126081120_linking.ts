import { Migration } from '@mikro-orm/migrations';

export class Migration20261126081120_linking extends Migration {

  override name = 'Migration20261126081120_linking';

  override up(): void | Promise<void> {
    this.addSql(`create index "block_linking_due_index" on "block" ("updated_at") where "is_linking_due";`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop index "block_linking_due_index";`);
  }

}
