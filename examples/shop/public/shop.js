const $ = (id) => document.getElementById(id);
const newId = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('');

function watch(pauseMs = 250) {
  const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/live`);
  let pause = pauseMs;
  socket.onmessage = ({ data }) => {
    const now = JSON.parse(data);
    pause = 250;
    $('light').classList.add('on');
    for (const name of ['orders', 'shipped', 'region']) $(name).textContent = now[name];
    showPictures(now.uploads);
  };
  socket.onclose = () => {
    $('light').classList.remove('on');
    setTimeout(() => watch(Math.min(pause * 2, 4000)), pause);
  };
}

function showPictures(ids) {
  const shown = [...$('pictures').children].map((image) => image.dataset.id);
  if (ids.join() === shown.join()) return;
  const images = ids.map((id) => Object.assign(new Image(72, 72), { src: `/uploads/${id}`, alt: '' }));
  for (const [i, image] of images.entries()) image.dataset.id = ids[i];
  $('pictures').replaceChildren(...images);
}

async function order({ item, amount }) {
  const body = JSON.stringify({ id: newId(), customer: 'you', item, amount: Number(amount) });
  const answer = await fetch('/orders', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  return answer.ok
    ? `Thank you. Your ${item.toLowerCase()} is on its way.`
    : `Sorry, that did not work (${answer.status}).`;
}

for (const button of document.querySelectorAll('article button'))
  button.addEventListener('click', async () => {
    button.disabled = true;
    $('note').textContent = await order(button.closest('article').dataset).catch((error) => `Sorry: ${error.message}`);
    button.disabled = false;
  });
watch();
