import { Migration } from '@mikro-orm/migrations';

export class Migration20261126075921_page_order extends Migration {

  override name = 'Migration20261126075921_page_order';

  override up(): void | Promise<void> {
    this.addSql(`create index "page_organization_id_created_by_id_id_index" on "page" ("organization_id", "created_by_id", "id");`);
    this.addSql(`create index "page_title_index" on "page" ("organization_id", lower("title"), "id");`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop index "page_organization_id_created_by_id_id_index";`);
    this.addSql(`drop index "page_title_index";`);
  }

}
