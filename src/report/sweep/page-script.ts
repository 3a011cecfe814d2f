/** What the page does beyond showing: sorting and narrowing the table, copying, choosing a ladder. It is all there without it. */
export const SCRIPT = `
const table = document.querySelector('#cells table');
if (table) {
  const body = table.tBodies[0], rows = [...body.rows], shown = document.querySelector('#shown');
  const filter = document.querySelector('#filter'), state = document.querySelector('#state');
  const narrow = () => {
    const words = filter.value.toLowerCase().split(/\\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !(words.every((word) => text.includes(word)) && (state.value === '' || row.dataset.state === state.value));
      if (!row.hidden) count++;
    }
    shown.textContent = count + ' of ' + rows.length + ' shown';
  };
  filter.addEventListener('input', narrow);
  state.addEventListener('change', narrow);
  document.querySelector('#cells .tools').hidden = false;
  narrow();
  [...table.tHead.rows[0].cells].forEach((head, index) => {
    head.querySelector('button').addEventListener('click', () => {
      const down = head.getAttribute('aria-sort') === 'ascending';
      for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      const value = (row) => row.cells[index].dataset.value ?? row.cells[index].textContent;
      const number = rows.every((row) => row.cells[index].dataset.value !== undefined);
      rows.sort((a, b) => (number ? value(a) - value(b) : value(a).localeCompare(value(b))) * (down ? -1 : 1));
      body.append(...rows);
    });
  });
}
for (const button of document.querySelectorAll('.copy')) {
  button.hidden = !navigator.clipboard;
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(button.parentElement.querySelector('pre').textContent);
    button.textContent = 'copied';
    setTimeout(() => { button.textContent = 'copy'; }, 2000);
  });
}
const chooser = document.querySelector('#ladder-of');
if (chooser) {
  const ladders = [...document.querySelectorAll('.ladder')];
  const choose = () => { for (const ladder of ladders) ladder.hidden = ladder.id !== chooser.value; };
  chooser.parentElement.hidden = false;
  chooser.addEventListener('change', choose);
  choose();
}
addEventListener('beforeprint', () => { for (const each of document.querySelectorAll('details')) each.open = true; for (const each of document.querySelectorAll('.ladder')) each.hidden = false; });
`;
